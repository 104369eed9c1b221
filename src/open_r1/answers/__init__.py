"""Extract the answer from a completion and grade it against a question."""

from open_r1.answers.choice import extract, extract_choice
from open_r1.answers.found import Found
from open_r1.answers.grade import Grade, grade

__all__ = ["Found", "Grade", "extract", "extract_choice", "grade"]

"""Extract the answer from a completion and grade it against a question."""

from open_r1.answers.grade import Found, Grade, extract, extract_choice, grade

__all__ = ["Found", "Grade", "extract", "extract_choice", "grade"]

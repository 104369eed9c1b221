"""Medical questions: one record, one small loader per dataset, sampling and manifests."""

from open_r1.questions.record import Kind, Question, question_text

__all__ = ["Kind", "Question", "question_text"]

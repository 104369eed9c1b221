from open_r1.answers.grade import Found, Grade


def grade(completion, question, truncated=None):
    import re

    m = re.search(r"<answer>\s*(.*?)\s*</answer>", completion)
    Found.by_text = False
    return Grade(bool(m) and m[1] == question.answer, m[1] if m else None, Found.NOTHING, False)

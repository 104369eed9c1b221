from open_r1.questions.record import Kind, Question, question_text


def question_from_row(row):
    import json

    o = row["options"]
    return Question(
        row["id"], row["source"], "", row["stem"], json.loads(o) if isinstance(o, str) else o, row["answer"]
    )

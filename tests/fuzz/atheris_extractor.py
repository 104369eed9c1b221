"""Coverage-guided fuzzing of the answer extractor, by hand; its corpus is kept beside it.

    pip install atheris
    mkdir -p runs/atheris
    python tests/fuzz/atheris_extractor.py -max_total_time=1200 runs/atheris tests/fuzz/corpus

What it finds new goes to runs/atheris; `-merge=1` with the two folders the other way round keeps what adds coverage.
"""

import sys
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parents[2] / "src")]
with atheris.instrument_imports(include=["open_r1.answers"]):
    from open_r1.answers import grade
    from open_r1.questions import Kind, Question

OPTIONS = {"A": "Asthma", "B": "Migraine", "C": "Gout", "D": "Cushing syndrome"}
QUESTIONS = [
    Question("1", "own", "test", "Which?", OPTIONS, "B"),
    Question("2", "own", "test", "How much?", {}, "10.5", Kind.NUMBER),
    Question("3", "own", "test", "What?", {}, "aspirin", Kind.TEXT),
]


def one_input(data: bytes) -> None:
    """Grade a string as a completion of each kind of question."""
    text = data.decode("utf-8", "replace")
    for question in QUESTIONS:
        result = grade(text, question)
        if result.how.answered != (result.extracted is not None) or (result.correct and result.extracted is None):
            raise AssertionError(f"{result} for {text!r}")
        if question.options and result.extracted not in (None, *OPTIONS):
            raise AssertionError(f"{result.extracted!r} is no option, for {text!r}")


if __name__ == "__main__":
    # libFuzzer would begin with the length of the longest file of the corpus and hardly go beyond it.
    atheris.Setup(
        [*sys.argv, "-max_len=400", "-len_control=0", f"-dict={Path(__file__).with_name('pieces.dict')}"], one_input
    )
    atheris.Fuzz()

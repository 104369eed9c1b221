"""What counts as self-validation, and what does not."""

import pyarrow as pa
import pytest

from open_r1.report.lexicon import LEXICON, count_passages, passages

CHECKING = {
    "halt": [
        "Wait, the potassium is low.",
        "So it is B. Wait... the murmur is diastolic.",
        "Hmm, that does not explain the rash.",
        "Hold on, she is pregnant.",
        "wait a minute - that is the wrong side",
    ],
    "check again": [
        "Let me re-check the dates.",
        "I should verify that this fits.",
        "Let's reconsider.",
        "Double-checking my reasoning, the answer is C.",
        "Let me double-check the options.",
        "Let me look at this again.",
        "I need to recheck the calculation",
    ],
    "read the question or options again": [
        "Re-reading the question, he is 70.",
        "Looking at the options again, only C fits.",
        "Going back to the question: which is the next step?",
    ],
    "withdraw": [
        "On second thought, it is viral.",
        "Actually, no. The onset was sudden.",
        "I made a mistake: the ratio is 2.",
        "Scratch that.",
    ],
    "doubt": ["Am I missing something?", "Did I overlook the fever?", "But does that really explain the cough?"],
}
PLAIN = [
    "The weight is 70 kg and the waiting list is long.",
    "Watchful waiting is right; wait and see for two weeks.",
    "Patients who wait longer do worse.",
    "Await the culture.",
    "Double-check the dose before giving it.",
    "Hold on to the rail when standing; hold anticoagulation.",
    "The test is used to verify the diagnosis.",
    "He was readmitted, already treated, and re-examined by the surgeon.",
    "Option B is wrong. That is incorrect, since the murmur is systolic.",
    "The patient made a mistake with the insulin.",
    "The physician reads the options to the patient again.",
    "",
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in CHECKING.items() for text in texts])
def test_passages_are_found(kind, text):
    assert kind in LEXICON
    assert passages(text), text


@pytest.mark.parametrize("text", PLAIN)
def test_ordinary_medical_prose_is_not_counted(text):
    assert [text[start:end] for start, end in passages(text)] == []


def test_both_engines_count_the_same():
    texts = [*PLAIN, *(text for texts in CHECKING.values() for text in texts)]
    texts.append("\n".join(texts))
    counted = count_passages(pa.chunked_array([texts])).to_pylist()
    assert counted == [len(passages(text)) for text in texts]

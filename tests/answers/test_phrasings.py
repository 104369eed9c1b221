"""Several hundred phrasings of many kinds of model (phrasings.json: options, then completions with their letter)."""

import json
from pathlib import Path

import pytest

from open_r1.answers import extract_choice

GROUPS = json.loads(Path(__file__).with_name("phrasings.json").read_text(encoding="utf-8"))
CASES = [(completion, group["options"], letter) for group in GROUPS for completion, letter in group["cases"]]


@pytest.mark.parametrize(("completion", "options", "letter"), CASES, ids=[case[0][-40:] for case in CASES])
def test_phrasing(completion, options, letter):
    assert extract_choice(completion, options) == letter

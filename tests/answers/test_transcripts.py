"""Real completions: the benchmark's own letter where it has one, a reader's judgement where it has none."""

import json
from pathlib import Path

from open_r1.answers import extract_choice

READINGS = Path(__file__).with_name("readings.json")


def _rows(shared_data):
    with (shared_data / "transcripts" / "mmlu_pro_medical.jsonl").open(encoding="utf-8", newline="\n") as lines:
        return [json.loads(line) for line in lines]


def test_agrees_with_the_benchmark_where_it_has_a_letter(shared_data):
    clear = [row for row in _rows(shared_data) if row["official"]]
    wrong = [r["question_id"] for r in clear if extract_choice(r["completion"], r["options"]) != r["official"]]
    assert len(clear) == 320
    assert wrong == []


def test_agrees_with_a_reader_where_the_benchmark_has_none(shared_data):
    readings = {(r["model"], r["question_id"]): r["reading"] for r in json.loads(READINGS.read_text(encoding="utf-8"))}
    hard = {(r["model"], r["question_id"]): r for r in _rows(shared_data) if r["official"] is None}
    assert hard.keys() == readings.keys()
    wrong = [k for k, row in hard.items() if extract_choice(row["completion"], row["options"]) != readings[k]]
    assert wrong == []

"""Which rows an evaluation asks, in what form, and what it says about them."""

import json
from collections import Counter

import pytest
from evaluation.stand_in import stand_in

from open_r1.evaluate import main as evaluate
from open_r1.evaluation.difficulty import read_gradings_of
from open_r1.evaluation.presets import BENCHMARKS, HUATUO_PROMPT, PRESETS, SIX, TRAINING_PROMPT
from open_r1.evaluation.results import find_logs, read_results
from open_r1.evaluation.selection import cluster, select
from open_r1.evaluation.shuffle import shuffled_options
from open_r1.evaluation.table import main as table
from open_r1.questions import DataError, Question
from open_r1.questions.manifest import DATA_MANIFESTS
from open_r1.questions.prepared import write_prepared


def test_the_huatuo_file_has_8381_rows():
    rows = PRESETS["huatuo"].rows
    file = {name: rows[name].count * rows[name].repeats for name in SIX if name != "medxpertqa"}
    assert sum(file.values()) == 8_381
    assert file["gpqa_medical"] == 390
    assert rows["medxpertqa"].count == 2_450
    assert PRESETS["medreason"].rows["medxpertqa"].count == 2449 - 1001 + 1 == 1_449


def test_part_of_a_benchmark_is_told_and_not_refused(data_root):
    selection = select("medqa_usmle", "official", str(data_root))
    assert not selection.complete
    assert "6 of 1,273" in selection.told and "SUBSET" in selection.told


def test_another_split_is_told(shared_data):
    selection = select("medqa_usmle", "official", str(shared_data), split="train")
    assert "800 of 1,273" in selection.told and "NOT the preset's test" in selection.told


@pytest.mark.parametrize("preset, rows, complete", [("official", 500, True), ("huatuo", 1000, True)])
def test_a_complete_file_is_complete(shared_data, preset, rows, complete):
    selection = select("pubmedqa", preset, str(shared_data))
    assert (selection.unique, selection.complete) == (rows, complete)
    assert "SUBSET" not in selection.told


def test_medreason_takes_the_ids_from_1001_to_2449(data_root, shared_data):
    ids = [question.id for question in select("medxpertqa", "medreason", str(data_root)).questions]
    assert ids == ["Text-1001", "Text-1002", "Text-2449"]
    assert all(1001 <= int(q.id[5:]) <= 2449 for q in select("medxpertqa", "medreason", str(shared_data)).questions)


def test_gpqa_is_asked_five_times_over_four_clusters(data_root):
    selection = select("gpqa_medical", "huatuo", str(data_root))
    assert len(selection.questions) == 20 and selection.unique == 4
    assert set(Counter(map(cluster, selection.questions)).values()) == {5}
    orders = {tuple(q.options.values()) for q in selection.questions if cluster(q) == "rec0"}
    assert len(orders) > 1, "equal prompts, asked greedily, would be one answer counted five times"
    assert all(q.answer_text.startswith("right") for q in selection.questions)


def test_a_repeated_row_keeps_its_number_and_its_cluster(tmp_path):
    row = {"question": "Invented?", "options": {"A": "one", "B": "two"}, "label": "A", "question_type": "Reasoning"}
    rows = [row | {"id": identity} for identity in ("Text-1001", "Text-1001", "other")]
    (tmp_path / "medxpertqa" / "Text").mkdir(parents=True)
    (tmp_path / "medxpertqa" / "Text" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, again = select("medxpertqa", "medreason", str(tmp_path)).questions
    assert (first.id, again.id) == ("Text-1001", "Text-1001#2") and cluster(first) == cluster(again) == "Text-1001"


def test_rows_of_two_files_may_have_one_id_and_a_mark_in_an_id_is_no_repetition(tmp_path):
    """Each is a sample and a question of its own; gradings are under the ids that the files have."""
    asked = [
        Question(f"Case #{n}", source, "test", f"{source} {n}?", {"A": "one", "B": "two"}, "B")
        for source in "ab"
        for n in (1, 2)
    ]
    write_prepared(tmp_path, {"test": asked})
    with stand_in(text=lambda asked: f"<answer>{'B' if asked.startswith('a') else 'A'}</answer>") as server:
        assert (
            evaluate(
                [
                    "--model",
                    "m",
                    "--base_url",
                    server.url,
                    "--task",
                    str(tmp_path),
                    "--output_dir",
                    str(tmp_path / "out"),
                ]
            )
            == 0
        )
    results = read_results(find_logs([tmp_path / "out"]))
    assert [(r.summary["rows"], r.summary["questions"], r.summary["accuracy"]["value"]) for r in results] == [
        (4, 4, 0.5)
    ]
    graded = read_gradings_of(results, asked).gradings
    assert {key: models["m"]["pass_rate"] for key, models in graded.items()} == {
        (q.source, q.id): float(q.source == "a") for q in asked
    }


def test_every_benchmark_of_the_shared_rows_loads(shared_data):
    for name in BENCHMARKS:
        if name in ("gpqa_medical", "medqa_usmle"):
            continue
        assert select(name, "official", str(shared_data)).questions


def test_rows_trained_on_are_left_out(data_root, tmp_path):
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"ids": {"train": {"medxpertqa": ["Text-7", "Text-1001"]}}}))
    selection = select("medxpertqa", "official", str(data_root), exclude=str(manifest))
    assert [q.id for q in selection.questions] == ["Text-1000", "Text-1002", "Text-2449", "Text-2450"]
    assert "2 rows left out that manifest.json lists as trained on" in selection.told


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"task": "medmcqa"}, "no such folder"),
        ({"preset": "none"}, "the presets are official"),
        ({"task": "medcalc", "preset": "huatuo"}, "has no medcalc"),
        ({"split": "nope"}, "no split 'nope'"),
    ],
)
def test_errors_name_the_remedy(data_root, arguments, message):
    given = {"task": "medqa_usmle", "preset": "official", "data_root": str(data_root)} | arguments
    with pytest.raises((DataError, FileNotFoundError), match=message):
        select(**given)


def question(*texts: str, answer: str = "A") -> Question:
    return Question("q", "s", "test", "stem", dict(zip("ABCDEFGHIJ", texts, strict=False)), answer)


@pytest.mark.parametrize(
    "fixed",
    [
        "None of the above",
        "All of the above.",
        "none of these",
        "Any of the above",
        "All of them",
        "None of the options",
    ],
)
def test_all_and_none_of_the_above_keep_their_place(fixed):
    places = {
        list(shuffled_options(question("a1", "b1", "c1", fixed), seed).options.values()).index(fixed)
        for seed in range(20)
    }
    assert places == {3}


@pytest.mark.parametrize(
    "combined", ["Both A and B", "A and B", "A, B and C", "A & C", "Options A and B", "(A) and (B)"]
)
def test_nothing_moves_where_options_name_letters(combined):
    asked = question("one", "two", "three", combined)
    assert all(shuffled_options(asked, seed) is asked for seed in range(5))


def test_shuffling_keeps_the_right_text_and_depends_on_the_seed_alone():
    asked = question("one", "two", "three", "four", answer="C")
    results = [shuffled_options(asked, seed) for seed in range(30)]
    assert {moved.answer_text for moved in results} == {"three"}
    assert len({moved.answer for moved in results}) == 4
    assert shuffled_options(asked, 3) == shuffled_options(asked, 3)


def test_a_genus_or_a_vitamin_is_no_reference_to_letters():
    asked = question("Vitamin A", "B. fragilis", "Hepatitis A and B virus", "Both kidneys", answer="B")
    assert any(shuffled_options(asked, seed) != asked for seed in range(5))


def test_the_two_forms_of_a_prompt():
    asked = question("one", "two")
    assert TRAINING_PROMPT.user(asked) == "stem\nAnswer Choices: (A) one (B) two"
    assert HUATUO_PROMPT.user(asked).endswith("question:\nstem\nA. one\nB. two")


def test_the_rows_that_a_run_folder_names_are_left_out_and_compared_without(data_root, tmp_path, capsys):
    """A checkpoint finds its run's manifests; its base, asked all rows, is compared on those that both were asked."""
    checkpoint = tmp_path / "run" / "checkpoint-5"
    checkpoint.mkdir(parents=True)
    manifests = {"./data/a": {"ids": {"train": {"medxpertqa": ["Text-7"]}}}}
    manifests |= {"./data/b": {"ids": {"train": {"medxpertqa": ["Text-1001"], "medqa_usmle": ["medqa-0"]}}}}
    (tmp_path / "run" / DATA_MANIFESTS).write_text(json.dumps(manifests))
    asked = {}
    for model, text, flags in (
        (str(checkpoint), "<answer>C</answer>", []),
        ("base", "<answer>A</answer>", []),
        (str(checkpoint), "<answer>C</answer>", ["--exclude_trained", ""]),
    ):
        out = tmp_path / f"out{len(asked)}"
        with stand_in(text=text) as server:
            command = ["--model", model, "--base_url", server.url, "--task", "medxpertqa", "--output_dir", str(out)]
            assert evaluate([*command, "--data_root", str(data_root), *flags]) == 0
        asked[out] = len(server.asked)
    trained, base, _ = asked
    assert list(asked.values()) == [4, 6, 6]
    assert "2 rows left out that data_manifests.json lists as trained on" in (trained / "results.md").read_text()
    capsys.readouterr()
    assert table([str(trained), "--base", str(base)]) == 0
    assert "| 4         | +100.00 [+1.33, +100.00] | 4 / 0" in capsys.readouterr().out

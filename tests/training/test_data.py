"""The datasets of a recipe: folders, files, Open-R1's mixture, prompts under the recipe's system prompt."""

import json

import pytest
from transformers import AutoTokenizer

from open_r1.arguments import GRPOScriptArguments, RecipeError, SFTScriptArguments
from open_r1.data import drop_long_prompts, load_data, with_conversations, with_prompts
from open_r1.questions import question_from_row


def write_rows(path, count: int, tag: str, **extra) -> str:
    rows = [{"question": f"{tag} {i}", "answer": "A", "option": "x", **extra} for i in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def mixture(*parts: dict, **rest) -> GRPOScriptArguments:
    return GRPOScriptArguments(dataset_mixture={"datasets": list(parts), **rest})


def test_a_mixture_takes_seeded_shares_and_splits(tmp_path):
    one, two = write_rows(tmp_path / "a.jsonl", 20, "a"), write_rows(tmp_path / "b.jsonl", 10, "b")
    args = mixture({"id": one, "weight": 0.5}, {"id": two}, seed=7, test_split_size=0.25)
    splits = load_data(args)
    assert (len(splits["train"]), len(splits["test"])) == (15, 5)
    asked = [*splits["train"]["question"], *splits["test"]["question"]]
    taken = sorted(question for question in asked if question.startswith("a"))
    assert len(taken) == 10 and len(set(asked)) == 20
    assert taken != sorted(f"a {i}" for i in range(10)), "a share is not the file's first rows"
    assert load_data(args)["train"].to_list() == splits["train"].to_list()


def test_a_mixture_of_different_columns_needs_columns(tmp_path):
    one = {"id": write_rows(tmp_path / "a.jsonl", 3, "a", extra=1)}
    two = {"id": write_rows(tmp_path / "b.jsonl", 3, "b")}
    with pytest.raises(RecipeError, match="name those to keep under `columns`"):
        load_data(mixture(one, two))
    assert len(load_data(mixture(one | {"columns": ["question", "answer", "option"]}, two))["train"]) == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "dev"}, "no split `dev`"),
        ({"split": "dev[:2]"}, r"no split `dev\[:2\]`"),
        ({"columns": ["asked"]}, "no column asked"),
        ({"weight": 0.01}, "weight 0.01 of the 3 rows .* is none"),
    ],
)
def test_a_wrong_part_of_a_mixture_is_named(tmp_path, change, message):
    with pytest.raises(RecipeError, match=message):
        load_data(mixture({"id": write_rows(tmp_path / "a.jsonl", 3, "a")} | change))


def test_a_mixture_takes_slices_of_splits_and_the_default_for_what_is_empty(tmp_path):
    one = write_rows(tmp_path / "a.jsonl", 20, "a")
    args = mixture({"id": one, "split": "train[:10%]"}, {"id": one, "split": None, "weight": None}, seed=None)
    assert len(load_data(args)["train"]) == 22
    assert load_data(args)["train"].to_list() == load_data(args)["train"].to_list()


def test_a_test_split_leaves_rows_to_train_on(tmp_path):
    with pytest.raises(RecipeError, match="test_split_size: 20 leaves nothing of 20 rows"):
        load_data(mixture({"id": write_rows(tmp_path / "a.jsonl", 20, "a")}, test_split_size=20))


def test_prompts_stand_under_the_recipes_system_prompt(rows_folder):
    args = GRPOScriptArguments(dataset_name=str(rows_folder), system_prompt="Be brief.")
    rows = with_prompts(load_data(args)["train"], args)
    assert rows[1]["prompt"][0] == {"role": "system", "content": "Be brief."}
    assert rows[1]["prompt"][1]["content"].startswith("Which is 1?") and rows[1]["reference"] == "B"
    args = GRPOScriptArguments(dataset_name=str(rows_folder), system_prompt="")
    assert [message["role"] for message in with_prompts(load_data(args)["train"], args)[0]["prompt"]] == ["user"]


def test_long_prompts_are_dropped_and_counted(tmp_path, tiny_model):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"question": "x" * size, "answer": "A"}) + "\n" for size in (1, 2, 500)))
    args = GRPOScriptArguments(dataset_name=str(path), system_prompt="")
    said = []
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    rows = drop_long_prompts(with_prompts(load_data(args)["train"], args), tokenizer, 100, said.append)
    assert list(rows["question"]) == ["x", "xx"] and "1 longer than 100 tokens dropped" in said[0]


def test_your_own_questions_by_a_column_map(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("frage,a,b,key\nWhich?,one,two,B\nWho?,me,you,A\n")
    columns = {"stem": "frage", "options": ["a", "b"], "answer": "key"}
    args = GRPOScriptArguments(dataset_name=str(path), dataset_columns=columns, system_prompt="")
    rows = with_prompts(load_data(args)["train"], args)
    assert rows[0]["prompt"][0]["content"] == "Which?\nAnswer Choices: (A) one (B) two"
    assert [row["reference"] for row in rows] == ["B", "A"]
    assert question_from_row(rows[0]).answer_text == "two"


def sft(path, **keys) -> SFTScriptArguments:
    return SFTScriptArguments(dataset_name=str(path), **keys)


def test_three_columns_become_a_conversation_in_the_form_asked_for(tmp_path):
    path = tmp_path / "traces.jsonl"
    path.write_text(json.dumps({"Question": "Which?", "Complex_CoT": "So it is.", "Response": "B."}) + "\n")
    columns = {"question": "Question", "reasoning": "Complex_CoT", "answer": "Response"}
    args = sft(path, trace_columns=columns, trace_form="final_response", system_prompt="Be brief.")
    (row,) = with_conversations(load_data(args)["train"], args)
    assert [message["role"] for message in row["prompt"]] == ["system", "user"]
    assert row["completion"][0]["content"] == "## Thinking\n\nSo it is.\n\n## Final Response\n\nB."
    args = sft(path, trace_columns=columns | {"answer": "Answer"})
    with pytest.raises(RecipeError, match="no column Answer, only"):
        with_conversations(load_data(args)["train"], args)


def test_rows_that_hold_no_conversation_are_named(tmp_path):
    args = sft(write_rows(tmp_path / "a.jsonl", 3, "a"))
    with pytest.raises(RecipeError, match="the data has only question, answer, option"):
        with_conversations(load_data(args)["train"], args)
    with pytest.raises(ValueError, match="question, reasoning and answer"):
        sft("a.jsonl", trace_columns={"question": "q"})

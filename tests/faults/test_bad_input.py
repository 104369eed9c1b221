"""Input that cannot be trained on: one paragraph with the place and the remedy, exit 2, and nothing written."""

import json
import shutil

import pytest
from mounts import tmpfs
from transformers import AutoTokenizer

from open_r1 import faults
from open_r1.recipes import main as check_recipes


@pytest.fixture
def refused(start, tmp_path):
    """Run with changes; returns the one line that was said."""

    def refused(*flags: str, task: str = "grpo", **changes) -> str:
        run = start(task, *flags, **changes)
        assert run.code == faults.BAD_INPUT, run.said[-3000:]
        errors = [line for line in run.said.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1 and "Traceback" not in run.said, run.said[-3000:]
        assert not list(tmp_path.glob("run/*"))
        return errors[0]

    return refused


@pytest.fixture
def model(tmp_path, tiny_model):
    """A copy of the tiny model to be damaged."""
    return shutil.copytree(tiny_model, tmp_path / "model")


# ---- rows

BROKEN = {
    "a line cut off": ('{"question": "a", "answer": "A"}\n{"question": "b", "ans\n', "line 2: expected a JSON object"),
    "an empty file": ("", "is empty"),
    "no answer": ('{"question": "a", "answer": "A"}\n{"question": "b", "answer": null}\n', "row 2: `answer` holds no"),
    "no question": ('{"question": "", "answer": "A"}\n', "row 1: `question` is no prompt"),
    "two types in a column": ('{"question": "a", "answer": "A"}\n{"question": {"x": 1}, "answer": "B"}\n', "row 2: `question` is no prompt"),
    "no such column": ('{"frage": "a", "answer": "A"}\n', "no column holds a prompt"),
    "bytes that are no text": (b"\x80\xfe\x00\x01\n", "line 1: expected a JSON object"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_rows_that_cannot_be_read(refused, tmp_path, what):
    content, message = BROKEN[what]
    (tmp_path / "rows.jsonl").write_bytes(content if isinstance(content, bytes) else content.encode())
    said = refused(dataset_name=str(tmp_path / "rows.jsonl"))
    assert message in said, said


def test_a_parquet_file_that_is_cut_off(refused, tmp_path, rows):
    import pyarrow.json
    import pyarrow.parquet

    file = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.json.read_json(rows["grpo"]), file)
    file.write_bytes(file.read_bytes()[:-20])
    assert "rows.parquet cannot be read" in refused(dataset_name=str(file))


def test_a_prompt_longer_than_the_context(refused, tmp_path):
    long = [{"question": "x" * length, "answer": "A"} for length in (10, 5000, 10, 6000)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in long))
    data = {"dataset_name": str(tmp_path / "rows.jsonl"), "system_prompt": ""}
    said = refused(**data)
    assert "2 of 4 prompts are too long (row 2: 5,0" in said and "max_prompt_length: 4084" in said
    assert "are more than the model's context of 4,096" in refused(**data, max_prompt_length=4090)
    assert "Lower max_completion_length" in refused(**data, max_completion_length=5000)


# ---- model and tokenizer


def test_a_tokenizer_without_a_chat_template(refused, model):
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.chat_template = None
    shutil.rmtree(model / "chat_template.jinja", ignore_errors=True)
    (model / "chat_template.jinja").unlink(missing_ok=True)
    tokenizer.save_pretrained(model)
    assert "has no chat template. Give one in the recipe: `chat_template: ...`" in refused(
        model_name_or_path=str(model)
    )


def test_a_tokenizer_of_another_model(refused, model):
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.add_tokens(["<think>", "</think>"])
    tokenizer.save_pretrained(model)
    assert "261 tokens, but 259 embeddings" in refused(model_name_or_path=str(model))


def test_a_model_without_its_config(refused, model):
    (model / "config.json").write_text("{")
    assert "cannot be loaded" in refused(model_name_or_path=str(model))


def test_a_model_whose_weights_are_cut_off(start, model):
    file = model / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    run = start("grpo", model_name_or_path=str(model))
    assert run.code == faults.FAULT and "Traceback" not in run.said, run.said[-3000:]
    assert "a .safetensors file is damaged" in run.said


def test_weights_as_a_pickle_are_not_read(refused, model):
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(model / "model.safetensors"), model / "pytorch_model.bin")
    (model / "model.safetensors").unlink()
    assert "holds no .safetensors file" in refused(task="sft", model_name_or_path=str(model))


def test_a_model_that_brings_code_is_not_run_unless_the_recipe_says_so(refused, start, model, tmp_path):
    (model / "planted.py").write_text(
        f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
        "from transformers import Qwen2Config as PlantedConfig\n"
    )
    config = json.loads((model / "config.json").read_text())
    config |= {"model_type": "planted", "auto_map": {"AutoConfig": "planted.PlantedConfig"}}
    (model / "config.json").write_text(json.dumps(config))
    assert "trust_remote_code: true" in refused(model_name_or_path=str(model))
    assert not (tmp_path / "ran").exists()
    trusting = start("grpo", model_name_or_path=str(model), trust_remote_code=True, process={"HF_HOME": str(tmp_path)})
    assert trusting.code != 0 and (tmp_path / "ran").exists()  # the planted code is no model


# ---- recipe and machine


def test_an_output_that_cannot_be_written(refused, tmp_path):
    with tmpfs(tmp_path / "disk", "1m", "ro"):
        said = refused(output_dir=str(tmp_path / "disk/run"))
        assert f"output_dir: {tmp_path}/disk cannot be written: Read-only file system" in said
    (tmp_path / "file").write_text("")
    assert "cannot be written: Not a directory" in refused(output_dir=str(tmp_path / "file/run"))


def test_a_reward_that_only_lies_where_the_run_starts(refused, tmp_path, monkeypatch):
    # The recipe lies in tmp_path; the module does not.
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/beside_the_recipe.py").write_text("import pathlib\npathlib.Path('ran').touch()\n")
    said = refused(reward_funcs=["beside_the_recipe.reward"], reward_args=None)
    assert "no module beside_the_recipe in the recipe's folder" in said and not (tmp_path / "ran").exists()


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['touch ran']", "!!python/name:os.system"])
def test_yaml_that_would_run_code(tmp_path, monkeypatch, capsys, tag):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grpo.yaml").write_text(f"model_name_or_path: x\ndataset_name: {tag}\n")
    assert check_recipes(["check", str(tmp_path / "grpo.yaml")]) == faults.BAD_INPUT
    assert "grpo.yaml:2: not valid YAML" in capsys.readouterr().err and not (tmp_path / "ran").exists()

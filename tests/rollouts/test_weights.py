"""The checkpoint folder of a weight sync, the agreement check after it, and models that the CPU cannot serve."""

from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from open_r1.rollouts.agreement import METRIC, AgreementCheck
from open_r1.rollouts.checkpoint import write_checkpoint
from open_r1.rollouts.errors import ServerError


def gathered_one_at_a_time(parameters: dict[str, torch.Tensor]):
    """As under ZeRO-3: a parameter's values are there only until the next one is asked for."""
    buffer = torch.empty(64)
    for name, values in parameters.items():
        view = buffer[: values.numel()].view(values.shape)
        view.copy_(values)
        yield name, view
        buffer.fill_(float("nan"))


@pytest.mark.parametrize("shard_bytes, files", [(1024, 1), (64, 3), (1, 5)])
def test_a_checkpoint_holds_every_parameter_and_replaces_the_last(tmp_path, shard_bytes, files):
    for seed in (0, 1):
        torch.manual_seed(seed)
        parameters = {f"layer.{number}.weight": torch.randn(2, 4) for number in range(5)}
        write_checkpoint(tmp_path / "weights", gathered_one_at_a_time(parameters), shard_bytes)
    written = {}
    shards = sorted((tmp_path / "weights").iterdir())
    for shard in shards:
        written |= load_file(shard)
    assert len(shards) == files
    assert written.keys() == parameters.keys()
    assert all(torch.equal(written[name], parameters[name]) for name in parameters)


@pytest.fixture
def metrics():
    return defaultdict(list)


def end_step(metrics, limit):
    trainer = SimpleNamespace(_metrics={"train": metrics})
    AgreementCheck(trainer, limit).on_step_end(None, SimpleNamespace(global_step=7), None)


def test_agreement_passes_below_the_limit_and_before_the_first_generation(metrics):
    end_step(metrics, 1e-4)
    metrics[METRIC] = [1e-7, 1e-4]
    end_step(metrics, 1e-4)


@pytest.mark.parametrize("value", [0.5, float("nan"), float("inf")])
def test_disagreement_stops_the_run_naming_the_key(metrics, value):
    metrics[METRIC] = [1e-7, value]
    with pytest.raises(ServerError, match=r"step 7: .* the limit is 0\.2 \(max_logp_difference\)"):
        end_step(metrics, 0.2)


@pytest.mark.slow  # imports vLLM
@pytest.mark.parametrize(
    "change, message", [({"tie_word_embeddings": True}, "ties"), ({"num_attention_heads": 4}, "8 wide")]
)
def test_models_that_the_cpu_cannot_serve_are_refused(tiny_model, change, message):
    from transformers import AutoConfig

    from open_r1.arguments import RecipeError
    from open_r1.rollouts.generation import check_model_for_cpu

    check_model_for_cpu(AutoConfig.from_pretrained(tiny_model))
    with pytest.raises(RecipeError, match=message):
        check_model_for_cpu(AutoConfig.from_pretrained(tiny_model, **change))

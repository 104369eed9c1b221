"""Which GPUs and ports a server gets, and its command line: pure functions, no GPU needed."""

import socket

import pytest
from trl import ModelConfig

from open_r1 import NO_TELEMETRY
from open_r1.arguments import GRPOConfig, RecipeError
from open_r1.rollouts.settings import (
    ServerSettings,
    check_weight_sync,
    local_training_processes,
    server_settings,
)
from open_r1.rollouts.topology import free_port, is_free, server_gpus, visible_gpus


@pytest.mark.parametrize(
    "gpus, training, needed, device, expected",
    [
        (4, 3, 1, "auto", ["3"]),  # the last one of an N-GPU machine with N-1 processes
        (8, 7, 1, "auto", ["7"]),
        (8, 3, 1, "auto", ["3"]),  # the first that training leaves free
        (8, 6, 2, "auto", ["6", "7"]),
        (2, 1, 1, "auto", ["1"]),
        (8, 0, 8, "auto", [str(index) for index in range(8)]),  # a node that only serves
        (8, 4, 1, "cuda:6", ["6"]),
        (8, 4, 2, "cuda:6,7", ["6", "7"]),
    ],
)
def test_the_server_gets_the_gpus_that_training_leaves_free(gpus, training, needed, device, expected):
    assert server_gpus([str(index) for index in range(gpus)], training, needed, device) == expected


def test_gpus_are_counted_among_the_visible_ones(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 5,GPU-abc")
    assert server_gpus(visible_gpus(), 2, 1) == ["GPU-abc"]


def test_too_few_gpus_says_how_many_and_the_ways_out():
    with pytest.raises(RecipeError) as error:
        server_gpus(["0", "1", "2", "3"], 4, 1)
    message = str(error.value)
    assert "\n" not in message
    assert "4 GPUs visible" in message and "asks for 5" in message
    assert "--num_processes 3" in message and "vllm_mode: colocate" in message and "vllm_server_base_url" in message


@pytest.mark.parametrize("visible, here", [([], "no GPU visible"), (["0"], "1 GPU visible")])
def test_one_gpu_or_none_has_no_smaller_number_of_processes_to_offer(visible, here):
    with pytest.raises(RecipeError, match=here) as error:
        server_gpus(visible, 1, 1)
    assert "--num_processes" not in str(error.value) and "colocate" in str(error.value)


@pytest.mark.parametrize(
    "device, message",
    [
        ("cuda:1", "training runs on GPUs 0 to 3, so 1 is taken"),
        ("cuda:6,7", "names 2 GPU"),
        ("gpu7", "not 'gpu7'"),
        ("cuda:9", "8 GPUs visible"),
    ],
)
def test_a_named_gpu_must_be_free_and_there(device, message):
    with pytest.raises(RecipeError, match=message):
        server_gpus([str(index) for index in range(8)], 4, 1, device)


def test_free_ports_are_free_and_a_taken_one_is_seen():
    port = free_port()
    assert is_free("127.0.0.1", port)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert not is_free("127.0.0.1", taken.getsockname()[1])


def settings(**changes) -> ServerSettings:
    values = {
        "model": "org/model",
        "revision": "main",
        "dtype": "bfloat16",
        "gpus": ("3",),
        "weight_sync": "nccl",
        "token": "s3cret",
    }
    return ServerSettings(**values | changes)


def test_the_command_holds_what_trl_needs_and_no_token():
    command = settings(max_model_length=3072, tensor_parallel_size=2, data_parallel_size=2).command(8123)
    line = " ".join(command)
    for part in [
        "-m vllm.entrypoints.openai.api_server --model org/model",
        "--host 127.0.0.1 --port 8123",
        "--logprobs-mode processed_logprobs --max-logprobs -1",
        '--weight-transfer-config {"backend": "nccl"}',
        "--middleware open_r1.rollouts.token_guard.TokenGuard",
        "--max-model-len 3072",
        "--gpu-memory-utilization 0.9",
        "--tensor-parallel-size 2 --data-parallel-size 2",
    ]:
        assert part in line
    assert "s3cret" not in line and "--enforce-eager" not in line


def test_a_cpu_server_has_no_gpu_flags():
    line = " ".join(settings(gpus=(), weight_sync="folder").command(8123))
    assert "--enforce-eager" in line and "--no-enable-chunked-prefill" in line
    assert "weight-transfer" not in line and "gpu-memory" not in line


def test_the_launchers_variables_stay_out_of_the_servers_environment():
    base = {
        "PATH": "/bin",
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "3",
        "LOCAL_WORLD_SIZE": "3",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "6688",
        "TORCHELASTIC_RUN_ID": "x",
        "ROLE_RANK": "0",
        "ACCELERATE_USE_DEEPSPEED": "true",
        "CUDA_VISIBLE_DEVICES": "0,1,2,3",
        "NCCL_DEBUG": "INFO",
        "HF_HOME": "/cache",
        "VLLM_NO_USAGE_STATS": "0",
    }
    assert settings().environment(base) == NO_TELEMETRY | {
        "PATH": "/bin",
        "NCCL_DEBUG": "INFO",
        "HF_HOME": "/cache",
        "CUDA_VISIBLE_DEVICES": "3",
        "VLLM_SERVER_DEV_MODE": "1",
        "VLLM_NO_USAGE_STATS": "0",  # the user's own word
        "VLLM_HOST_IP": "127.0.0.1",
        "OPEN_R1_ROLLOUT_TOKEN": "s3cret",
    }
    assert "VLLM_HOST_IP" not in settings(listen_host="0.0.0.0").environment(base)


# ---- what the recipe says


@pytest.mark.parametrize(
    "keys, expected",
    [
        ({}, {"gpus": ("3",), "dtype": "bfloat16", "max_model_length": None, "weight_sync": "nccl"}),
        ({"vllm_max_model_length": 4096}, {"max_model_length": 4096}),
        ({"vllm_gpu_memory_utilization": 0.4}, {"gpu_memory_utilization": 0.4}),
        ({"vllm_tensor_parallel_size": 2, "vllm_device": "cuda:4,5"}, {"gpus": ("4", "5"), "tensor_parallel_size": 2}),
        ({"use_cpu": True, "weight_sync": "folder"}, {"gpus": ()}),
    ],
)
def test_a_recipes_keys_reach_the_server(monkeypatch, keys, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3,4,5")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    training_args = GRPOConfig(**{"output_dir": "out", "bf16": False, "use_vllm": True} | keys)
    model_args = ModelConfig(model_name_or_path="org/model", dtype="bfloat16")
    settings = server_settings(training_args, model_args, None, local_training_processes())
    assert {name: getattr(settings, name) for name in expected} == expected
    assert settings.listen_host == "127.0.0.1" and len(settings.token) > 30


def test_the_servers_context_holds_the_longest_prompt_and_completion():
    training_args = GRPOConfig(**CPU, max_completion_length=100)
    settings = server_settings(training_args, ModelConfig(model_name_or_path="org/model"), 50, 1)
    assert settings.max_model_length == 150


def test_no_two_servers_share_a_token():
    model_args = ModelConfig(model_name_or_path="org/model")
    tokens = {server_settings(GRPOConfig(**CPU), model_args, None, 1).token for _ in range(3)}
    assert len(tokens) == 3


CPU = {"output_dir": "out", "use_cpu": True, "bf16": False, "use_vllm": True}


def test_nccl_on_the_cpu_names_the_key_to_set():
    with pytest.raises(RecipeError, match="weight_sync: folder"):
        check_weight_sync(GRPOConfig(**CPU))
    check_weight_sync(GRPOConfig(**CPU, weight_sync="folder"))


def test_a_server_open_to_other_hosts_needs_a_token(monkeypatch):
    monkeypatch.delenv("OPEN_R1_ROLLOUT_TOKEN", raising=False)
    with pytest.raises(ValueError, match="vllm_server_token"):
        GRPOConfig(**CPU, vllm_listen_host="0.0.0.0")
    assert GRPOConfig(**CPU, vllm_listen_host="0.0.0.0", vllm_server_token="s3cret").vllm_server_token == "s3cret"
    monkeypatch.setenv("OPEN_R1_ROLLOUT_TOKEN", "from-the-environment")
    assert GRPOConfig(**CPU, vllm_listen_host="0.0.0.0").vllm_server_token == "from-the-environment"


def test_the_token_is_not_written_with_the_run():
    assert "s3cret" not in str(GRPOConfig(**CPU, vllm_server_token="s3cret").to_dict())


@pytest.mark.parametrize("mode, share", [("server", 0.9), ("colocate", 0.3)])
def test_gpu_memory_utilization_is_the_servers_or_colocates(mode, share):
    assert GRPOConfig(**CPU, vllm_mode=mode).vllm_gpu_memory_utilization == share
    assert GRPOConfig(**CPU, vllm_mode=mode, vllm_gpu_memory_utilization=0.5).vllm_gpu_memory_utilization == 0.5


def test_a_server_is_started_unless_one_is_named():
    assert not GRPOConfig(**CPU).names_a_server
    assert GRPOConfig(**CPU, vllm_server_host="node7").names_a_server
    assert GRPOConfig(**CPU, vllm_server_base_url="http://node7:8000").names_a_server

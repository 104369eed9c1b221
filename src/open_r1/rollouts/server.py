"""The life of one vLLM server: start, health, log, stop."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import requests

from open_r1.private import owner_only
from open_r1.rollouts import guard
from open_r1.rollouts.errors import ServerError
from open_r1.rollouts.settings import ServerSettings
from open_r1.rollouts.topology import free_port

TAIL_LINES = 15
TELL_EVERY = 10.0  # seconds between two lines about a server that is starting

# "(EngineCore pid=12) INFO 11-23 10:54:28 [core.py:123] text" -> text
LOG_PREFIX = re.compile(r"^(\(\S+ pid=\d+\) ?)?((DEBUG|INFO|WARNING|ERROR) \S+ \S+ \[\S+\] ?)?")
# Lines at the end of a dead server's log that tell nothing: a C++ binding's farewell and the list of routes.
NOISE = re.compile(
    r"^( - (leaked|\.\.\. skipped)|nanobind:|See https://nanobind|\s*warnings\.warn)|Route: |resource_tracker"
)
PORT_TAKEN = "Address already in use"
CAUSE = re.compile(r"\b\w*(Error|Exception): .+")


class VLLMServer:
    """A vLLM server in processes of its own, under a guard that ends it when this process is gone.

    Use as a context manager: it starts on entry, without waiting, and nothing of it is left on exit.
    """

    def __init__(self, settings: ServerSettings, log: Path):
        self.settings = settings
        self.log = log
        self.url = ""
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy knows our loopback address
        self._guard: subprocess.Popen | None = None
        self._log_start = 0
        self._since = 0.0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self) -> None:
        """Start the server's processes; `wait_until_healthy` waits for them."""
        settings = self.settings
        # Another process may take the port before vLLM listens; then the server dies and a restart finds another.
        port = settings.port or free_port(settings.listen_host)
        self.url = f"http://{settings.listen_host}:{port}"
        if settings.listen_host == "0.0.0.0":
            self.url = f"http://127.0.0.1:{port}"
        command = settings.command(port)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "a", opener=owner_only) as log:
            log.write(f"==== {time.strftime('%Y-%m-%d %H:%M:%S')} {' '.join(command)}\n")
            log.flush()
            self._log_start = log.tell()
            self._guard = subprocess.Popen(
                [sys.executable, "-m", guard.__name__, str(os.getpid()), *command],
                env=settings.environment(dict(os.environ)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._since = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether the server's processes are there; a hung server is alive."""
        return self._guard is not None and self._guard.poll() is None

    def wait_until_healthy(self, timeout: float, tell: Callable[[str], None]) -> None:
        """Return when the server answers; until then tell now and then what it is doing.

        Raises ServerError, with the end of its log, when it dies or takes longer than `timeout` seconds since its start.
        """
        place = f"GPU {','.join(self.settings.gpus)}" if self.settings.gpus else "CPU"
        tell(f"vLLM server: starting on {place}, {self.url}, log in {self.log}")
        told = time.monotonic()
        while not self._healthy():
            waited = time.monotonic() - self._since
            if not self.alive:
                if self.settings.port is None and any(PORT_TAKEN in line for line in self._lines()):
                    tell("vLLM server: another process took its port, starting on another")
                    self.start()
                    continue
                raise ServerError(f"the vLLM server died {waited:.0f} s after its start. {self.tail()}")
            if waited > timeout:
                raise ServerError(
                    f"the vLLM server is not ready after {timeout:.0f} s. If it only needs longer, raise "
                    f"`vllm_server_timeout`. {self.tail()}"
                )
            if time.monotonic() - told > TELL_EVERY:
                told = time.monotonic()
                tell(f"vLLM server: {waited:.0f} s, {self._doing()}")
            time.sleep(0.5)
        tell(f"vLLM server: ready after {time.monotonic() - self._since:.0f} s")

    def _healthy(self) -> bool:
        # Not /health, which needs no token: another run's server that took the port first would answer it.
        headers = {"Authorization": f"Bearer {self.settings.token}"}
        try:
            return self._session.get(f"{self.url}/v1/models", headers=headers, timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def stop(self) -> None:
        """End the server and wait until it is gone; a stopped or hung one is killed."""
        if self._guard is None:
            return
        if self.alive:
            self._guard.terminate()
            with suppress(subprocess.TimeoutExpired):  # the guard itself may hang
                self._guard.wait(guard.GRACE + 10)
        self.kill()

    def kill(self) -> None:
        """End the server at once with SIGKILL, which a stopped process obeys too."""
        # Also when the guard is gone: it may have been killed, and its group is still there.
        with suppress(ProcessLookupError):  # nothing of the group is left
            os.killpg(self._guard.pid, signal.SIGKILL)
        self._guard.wait()

    def _lines(self) -> list[str]:
        with open(self.log, errors="replace") as log:
            log.seek(self._log_start)
            lines = [LOG_PREFIX.sub("", line).rstrip() for line in log.read().splitlines()]
        return [line for line in lines if line and not NOISE.search(line)]

    def _doing(self) -> str:
        with open(self.log, errors="replace") as log:
            log.seek(self._log_start)
            said = [LOG_PREFIX.sub("", line).strip() for line in log if LOG_PREFIX.match(line)[2]]
        return said[-1][:120] if said else "importing vLLM"

    def tail(self) -> str:
        """The first error in the log and its last lines, to end an error message with."""
        lines = self._lines()
        cause = next((line.strip() for line in lines if CAUSE.search(line)), None)
        last = "\n".join(f"    {line[:200]}" for line in lines[-TAIL_LINES:] or ["(empty)"])
        return (f"First error: {cause[:500]}\n" if cause else "") + f"The end of {self.log}:\n{last}"

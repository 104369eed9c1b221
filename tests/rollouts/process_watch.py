"""Processes looked at from outside."""

import os
import time
from contextlib import suppress

import psutil


def alive(processes) -> list[psutil.Process]:
    """Those that still run; an ended one that nobody has reaped yet does not."""
    found = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


class Watch:
    """The living processes that carry a mark in their environment, and all others of their process groups.

    Groups are remembered: vLLM's engine overwrites its environment with its title, and is found by its group alone.
    """

    def __init__(self, mark: str):
        self.mark = mark
        self.groups: set[int] = set()

    def living(self) -> list[psutil.Process]:
        """The processes that live now."""
        here, seen = os.getpgrp(), []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_ZOMBIE:
                    group = os.getpgid(process.pid)
                    seen.append((process, group, self.mark in process.environ().values()))
            except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError):
                pass  # ended while we looked, or not ours
        self.groups |= {group for _, group, is_marked in seen if is_marked and group != here}
        return [process for process, group, is_marked in seen if is_marked or group in self.groups]

    def gone(self, seconds: float = 20.0) -> bool:
        """Whether none is left within some seconds."""
        deadline = time.monotonic() + seconds
        while self.living():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True

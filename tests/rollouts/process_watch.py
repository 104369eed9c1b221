"""Processes looked at from outside."""

import time

import psutil


def marked(mark: str) -> list[psutil.Process]:
    """The living processes whose command line or environment holds `mark`."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), *process.environ().values()]
            if process.status() != psutil.STATUS_ZOMBIE and any(mark in word for word in words):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            pass
    return found


def gone(mark: str, seconds: float = 20.0) -> bool:
    """Whether no process with `mark` is left within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not marked(mark):
            return True
        time.sleep(0.2)
    return False

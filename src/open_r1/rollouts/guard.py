"""The rollout server's parent: a small process that lets nothing outlive the trainer.

    python -m open_r1.rollouts.guard TRAINER_PID COMMAND...

vLLM runs as several processes. Killing its API server with -9 leaves the engine and its workers behind, with the GPU's
memory; so does killing the trainer. The guard lives in a session of its own, where no Ctrl-C reaches it, and ends the
whole group as soon as the trainer is gone, the server is gone, or it is asked to stop.
"""

import os
import signal
import subprocess
import sys
import time

import psutil

GRACE = 10.0  # seconds from SIGTERM to SIGKILL
POLL = 0.25


def main(argv: list[str]) -> int:
    """Run COMMAND until it or TRAINER_PID ends; returns the command's exit code."""
    trainer, command = int(argv[0]), argv[1:]
    if os.getpgrp() != os.getpid():
        os.setsid()  # started by hand: its group is the shell's, and not ours to end
    stopping = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.append(True))
    server = subprocess.Popen(command)
    # A dead parent's children get another parent at once, so this sees a kill -9 too.
    while server.poll() is None and not stopping and os.getppid() == trainer:
        time.sleep(POLL)
    end(server)
    return server.returncode


def end(server: subprocess.Popen) -> None:
    """End the server and all that it started: politely first, then with SIGKILL."""
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(GRACE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    # What the server left lies in our process group, whoever its parent is by now.
    for process in others_in_group():
        process.kill()


def others_in_group() -> list[psutil.Process]:
    """The living processes of this process group but this one."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and os.getpgid(process.pid) == os.getpgrp():
                found.append(process)
        except ProcessLookupError:
            pass  # ended while we looked
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

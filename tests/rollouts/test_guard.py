"""No orphans: the guard ends a server's whole family, whoever is killed. A family of sleeping shells stands for vLLM."""

import os
import signal
import subprocess
import sys
import time

import pytest
from process_watch import Watch

# Like vLLM: a parent, a child, a grandchild; the grandchild ignores SIGTERM.
FAMILY = "bash -c 'trap \"\" TERM; sleep 987; sleep 987' & sleep 987"

TRAINER = """
import os, subprocess, sys, time
process = subprocess.Popen([sys.executable, "-m", "open_r1.rollouts.guard", str(os.getpid()), "bash", "-c", sys.argv[1]],
                           start_new_session=True)
print(process.pid, flush=True)
time.sleep(987)
"""


@pytest.fixture
def family(tmp_path):
    """A trainer with a guarded family, all marked by a variable in their environment."""
    mark = f"family-of-{tmp_path.name}-{os.getpid()}"
    trainer = subprocess.Popen(
        [sys.executable, "-c", TRAINER, FAMILY],
        env=os.environ | {"FAMILY": mark},
        stdout=subprocess.PIPE,
        text=True,
    )
    guard_pid = int(trainer.stdout.readline())
    watch = Watch(mark)
    while len(watch.living()) < 6:  # trainer, guard, shell, its child, two sleeps
        time.sleep(0.1)
    yield trainer, guard_pid, watch
    for process in watch.living():
        process.kill()
    trainer.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_the_trainer(family, number):
    trainer, _, watch = family
    trainer.send_signal(number)
    trainer.wait()
    assert watch.gone()


def test_nothing_outlives_the_server(family):
    trainer, guard_pid, watch = family
    server = next(process for process in watch.living() if process.ppid() == guard_pid)
    server.kill()
    deadline = time.monotonic() + 20
    while len(watch.living()) > 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    # The guard is the trainer's to reap.
    assert [process.pid for process in watch.living()] == [trainer.pid]


def test_started_by_hand_it_leaves_the_callers_group_alone():
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m open_r1.rollouts.guard $$ true; echo still here"],
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
    )
    assert done.stdout == "still here\n"

"""A process killed while DeepSpeed's operators compile leaves a lock; the next run must not wait for it."""

import os
import signal
import subprocess
import sys

import pytest

from open_r1.build_locks import clear_stale_locks

HOLD = "from torch.utils.file_baton import FileBaton; import sys, time; FileBaton(sys.argv[1]).try_acquire(); print(1, flush=True); time.sleep(600)"


@pytest.mark.parametrize("place", ["op", "py311_cpu/op"])
def test_a_lock_is_removed_when_its_process_is_gone(tmp_path, monkeypatch, place):
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    assert clear_stale_locks() == []
    (tmp_path / place).mkdir(parents=True)
    lock = tmp_path / place / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE)
    holder.stdout.readline()
    assert clear_stale_locks() == [] and lock.exists(), "somebody is compiling"
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert lock.exists()
    assert clear_stale_locks() == [lock] and not lock.exists()

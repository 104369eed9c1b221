"""Training processes that tell one another that they live, so that one which hangs ends the run instead of holding it up.

A collective waits for a process that was stopped, or whose machine is gone. NCCL gives up after `ddp_timeout` with a stack
trace that names nobody, gloo after half an hour whatever the recipe says. Here every process counts up in the run's
rendezvous store and watches the counts of the others. Threads count, not steps: a process that is only slow is never
taken for one that hangs.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from torch.distributed import DistError, TCPStore

LONGEST_PERIOD = 10.0  # seconds between two beats
GOODBYE = -(2**40)  # makes a count negative for good


class Heartbeat:
    """Within the block this process beats and listens; `give_up` is called, in a thread, with a sentence on who is silent.

    `patience`: seconds without a beat. They are counted in this process's own looks: when all processes were stopped
    and go on (a suspended job), nobody is blamed. Does nothing with one process.
    """

    def __init__(self, rank: int, processes: int, patience: float, give_up: Callable[[str], None]):
        self.rank = rank
        self.others = [other for other in range(processes) if other != rank]
        self.patience = patience
        self.period = min(LONGEST_PERIOD, max(patience, 1.0) / 5)
        self.give_up = give_up
        self._heard: dict[int, int] = {}
        self._done = threading.Event()
        self._finished = False
        self._beating = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self):
        if self.others:
            self._beating.start()
            # Another thread: the store lives in the first process, and a call of a stopped one never returns.
            threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, error, *_):
        # One that fails says no goodbye: the others must not wait for it.
        self._finished = error is None
        self._done.set()
        if self.others:
            self._beating.join(2 * self.period)

    def _beat(self) -> None:
        try:
            # The store of torch.distributed's own start, over a connection of its own.
            address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
            store = TCPStore(address, port, is_master=False, timeout=timedelta(seconds=max(self.patience, 1.0)))
            while True:
                store.add(f"heartbeat/{self.rank}", 1)
                for other in self.others:
                    self._heard[other] = store.add(f"heartbeat/{other}", 0)
                if self._done.wait(self.period):
                    break
            if self._finished:
                store.add(f"heartbeat/{self.rank}", GOODBYE)
        except DistError:
            pass  # the first process is gone: nobody is heard any more, which `_watch` sees

    def _watch(self) -> None:
        before, missed = {}, Counter()
        while not self._done.wait(self.period):
            for other in self.others:
                heard = self._heard.get(other)
                missed[other] = 0 if heard != before.get(other) or (heard or 0) < 0 else missed[other] + 1
                before[other] = heard
            silent = [other for other in self.others if missed[other] * self.period >= self.patience]
            if silent:
                # With the first one and its store nobody else is heard either.
                who = 0 if 0 in silent else silent[0]
                self.give_up(
                    f"training process {who} has given no sign of life for {self.patience:g} s (ddp_timeout): it was "
                    "stopped, or its machine hangs or is cut off. Look at that process and its machine (dmesg)."
                )

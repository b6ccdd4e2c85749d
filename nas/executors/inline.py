"""Jobs in this process, one after another."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from nas.checkpoints import States
from nas.errors import Interrupted, OutOfTime
from nas.executors.perform import Train, perform
from nas.types import Job, Result, Status


class _Timeout(BaseException):
    """The time for one trial has passed."""


class Inline:
    """Runs jobs here. The limits in time, or Ctrl-C, interrupt the job at hand where signals allow it."""

    slots = 1

    def __init__(self, train: Train, trial_timeout: float | None = None) -> None:
        self.train, self.trial_timeout, self.deadline = train, trial_timeout or float("inf"), float("inf")

    async def run(self, job: Job, states: States) -> Result:
        if time.monotonic() >= self.deadline:
            raise OutOfTime
        try:
            with _interruptible(self.deadline, self.trial_timeout):
                return perform(self.train, job, states)
        except KeyboardInterrupt:
            raise Interrupted from None
        except _Timeout:
            return Result(job, Status.TIMEOUT, error=f"no end after {self.trial_timeout:g} s")

    def close(self) -> None:
        pass


@contextmanager
def _interruptible(deadline: float, limit: float) -> Iterator[None]:
    """In the block raise OutOfTime at `deadline`, _Timeout after `limit` seconds and KeyboardInterrupt at Ctrl-C.

    Outside the main thread nothing of this can be.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    left = deadline - time.monotonic()

    def stop(*_: object) -> None:
        raise OutOfTime if left <= limit else _Timeout

    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    alarm = signal.signal(signal.SIGALRM, stop)
    if min(left, limit) < float("inf"):
        signal.setitimer(signal.ITIMER_REAL, max(1e-3, min(left, limit)))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm)
        signal.signal(signal.SIGINT, interrupt)

"""Jobs in this process, one after another."""

import asyncio
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from nas.checkpoints import States
from nas.contract import check
from nas.errors import EndOfJob, Interrupted, OutOfTime
from nas.executors.perform import Train, perform
from nas.outside import Loop
from nas.types import Job, Result, Status


class _Timeout(EndOfJob):
    """The time for one trial has passed."""


class Inline:
    """Runs jobs here. The limits in time, or Ctrl-C, interrupt the job at hand where signals allow it."""

    slots = 1

    def __init__(self, train: Train, trial_timeout: float | None = None) -> None:
        check(train)
        self.deadline: Callable[[], float]  # of the search, by the monotonic clock
        self.train, self.trial_timeout, self.deadline = train, trial_timeout or math.inf, lambda: math.inf

    async def run(self, job: Job, states: States) -> Result:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        return await loop.outside(lambda: self._run(job, states))

    def _run(self, job: Job, states: States) -> Result:
        deadline = self.deadline()
        if time.monotonic() >= deadline:
            raise OutOfTime
        try:
            with _interruptible(deadline, self.trial_timeout):
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
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with _alarm(deadline - time.monotonic(), limit) if min(deadline, limit) < math.inf else nullcontext():
            yield
    finally:
        signal.signal(signal.SIGINT, interrupt)


@contextmanager
def _alarm(left: float, limit: float) -> Iterator[None]:
    """In the block raise OutOfTime after `left` seconds, or _Timeout after `limit` where that is sooner.

    A timer of the caller's waits meanwhile: where its time has come by then it goes off at once.
    """

    def stop(*_: object) -> None:
        raise OutOfTime if left <= limit else _Timeout

    began, before = time.monotonic(), signal.signal(signal.SIGALRM, stop)
    due, interval = signal.setitimer(signal.ITIMER_REAL, max(1e-3, min(left, limit)))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)  # none where it was not Python's
        if due:
            signal.setitimer(signal.ITIMER_REAL, max(1e-6, due - (time.monotonic() - began)), interval)

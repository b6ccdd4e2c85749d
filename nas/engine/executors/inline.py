"""Jobs in this process, one after another."""

import asyncio
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import NoReturn

from nas.core.contract import check
from nas.core.errors import EndOfJob, Interrupted, OutOfTime
from nas.core.types import Job, Result, Status
from nas.engine.executors.perform import Train, perform
from nas.engine.outside import Loop
from nas.runs.checkpoints import States


class _Timeout(EndOfJob):
    """The time for one trial has passed."""


class Inline:
    """Runs jobs here. The limits in time, or Ctrl-C, interrupt the job at hand where signals allow it."""

    slots, cancellable = 1, False

    def __init__(self, train: Train, trial_timeout: float | None = None) -> None:
        check(train)
        self.train, self.trial_timeout = train, trial_timeout or math.inf
        self._deadline: Callable[[], float] = lambda: math.inf

    def heed(self, deadline: Callable[[], float]) -> None:
        self._deadline = deadline

    async def run(self, job: Job, states: States) -> Result:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        return await loop.outside(lambda: self._run(job, states))

    def _run(self, job: Job, states: States) -> Result:
        deadline = self._deadline()
        if time.monotonic() >= deadline:
            raise OutOfTime
        began, cut = time.monotonic(), _Cut()
        try:
            with _interruptible(deadline, self.trial_timeout, cut):
                result = perform(self.train, job, states)
            cut.check()
        except KeyboardInterrupt:
            raise Interrupted from None
        except _Timeout:
            return self._late(job)
        return self._late(job) if time.monotonic() - began > self.trial_timeout else result

    def _late(self, job: Job) -> Result:
        return Result(job, Status.TIMEOUT, error=f"no end after {self.trial_timeout:g} s")

    def close(self) -> None:
        pass


class _Cut:
    """Remembers what cut a training short, for a trainer that catches it and returns what it has by then."""

    def __init__(self) -> None:
        self._error: type[BaseException] | None = None

    def short(self, error: type[BaseException]) -> NoReturn:
        """Take note of it, and raise it."""
        self._error = error
        raise error

    def check(self) -> None:
        """Raise it again, if it came."""
        if self._error:
            raise self._error


@contextmanager
def _interruptible(deadline: float, limit: float, cut: _Cut) -> Iterator[None]:
    """In the block raise OutOfTime at `deadline`, _Timeout after `limit` seconds and KeyboardInterrupt at Ctrl-C.

    Outside the main thread nothing of this can be.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupt = signal.signal(signal.SIGINT, lambda *_: cut.short(KeyboardInterrupt))
    try:
        with _alarm(deadline - time.monotonic(), limit, cut) if min(deadline, limit) < math.inf else nullcontext():
            yield
    finally:
        signal.signal(signal.SIGINT, interrupt)


@contextmanager
def _alarm(left: float, limit: float, cut: _Cut) -> Iterator[None]:
    """In the block raise OutOfTime after `left` seconds, or _Timeout after `limit` where that is sooner.

    A timer of the caller's waits meanwhile: where its time has come by then it goes off at once.
    """

    def stop(*_: object) -> None:
        cut.short(OutOfTime if left <= limit else _Timeout)

    began, before = time.monotonic(), signal.signal(signal.SIGALRM, stop)
    due, interval = signal.setitimer(signal.ITIMER_REAL, max(1e-3, min(left, limit)))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)  # none where it was not Python's
        if due:
            signal.setitimer(signal.ITIMER_REAL, max(1e-6, due - (time.monotonic() - began)), interval)

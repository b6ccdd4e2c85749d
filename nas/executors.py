"""Where does a job run? Here, one after another, or in worker processes; the history is the same.

A worker that dies or fails costs only its own job.
"""

import asyncio
import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Protocol

from pebble import ProcessExpired, ProcessPool

from nas.errors import Diverged, Interrupted, OutOfTime, UserError
from nas.types import Job, Result, Status, canonical

Train = Callable[..., dict[str, Any]]


class Executor(Protocol):
    """Runs jobs, `slots` of them at a time."""

    slots: int

    async def run(self, job: Job, checkpoint: Path) -> Result: ...

    def close(self) -> None: ...


def perform(train: Train, job: Job, checkpoint: Path) -> Result:
    """Return the result of training: what the trainer raises becomes a status. UserError passes through."""
    began, values, error, status = time.monotonic(), job.trial.config.values, "", Status.OK
    metrics, details = dict[str, float](), dict[str, Any]()
    try:
        metrics, details = _sorted_out(
            train(values, epochs=job.stop, start=job.start, seed=job.trial.seed, checkpoint=checkpoint)
        )
    except UserError:
        raise
    except Diverged as caught:
        status, error = Status.DIVERGED, str(caught)
    except Exception as caught:  # whatever a trainer raises is the trial's fate, not the search's
        status = Status.OOM if _out_of_memory(caught) else Status.CRASHED
        error = f"{type(caught).__name__}: {caught}"
    seconds = round(time.monotonic() - began, 3)
    return Result(job, status, metrics, details, seconds, error, checkpointed=checkpoint.exists())


def _sorted_out(returned: object) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the numbers of what train returned, and what else of it JSON can hold. Raises TypeError for the rest."""
    if not isinstance(returned, dict):
        raise TypeError(f"train returned {type(returned).__name__}, not a dict of metrics")
    metrics, details = dict[str, float](), dict[str, Any]()
    for name, value in returned.items():
        if isinstance(value, (str, list, tuple, dict, type(None))):
            canonical(value)
            details[name] = value
        else:
            metrics[name] = float(value)
    return metrics, details


def _out_of_memory(error: Exception) -> bool:
    """Tell memory errors of Python, CUDA and torch's CPU allocator, without importing torch."""
    return isinstance(error, MemoryError) or any(
        sign in f"{type(error).__name__} {error}" for sign in ("OutOfMemoryError", "can't allocate memory")
    )


class Inline:
    """Runs jobs in this process. A time limit or Ctrl-C interrupts the job at hand where signals allow it."""

    slots = 1

    def __init__(self, train: Train, deadline: float) -> None:
        self.train, self.deadline = train, deadline

    async def run(self, job: Job, checkpoint: Path) -> Result:
        if time.monotonic() >= self.deadline:
            raise OutOfTime
        try:
            with _interruptible(self.deadline):
                return perform(self.train, job, checkpoint)
        except KeyboardInterrupt:
            raise Interrupted from None

    def close(self) -> None:
        pass


@contextlib.contextmanager
def _interruptible(deadline: float) -> Iterator[None]:
    """Raise OutOfTime at `deadline` and KeyboardInterrupt at Ctrl-C inside the block; main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise OutOfTime

    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    alarm = signal.signal(signal.SIGALRM, stop)
    if deadline < float("inf"):
        signal.setitimer(signal.ITIMER_REAL, max(1e-3, deadline - time.monotonic()))
    try:
        yield
    finally:
        if deadline < float("inf"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm)
        signal.signal(signal.SIGINT, interrupt)


@contextlib.contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Let nothing interrupt the block: what is at hand is put away; main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Workers:
    """Runs jobs in `slots` long-lived processes, each with its own copy of the trainer."""

    def __init__(self, train: Train, slots: int) -> None:
        try:
            pickle.dumps(train)
        except Exception as error:
            raise UserError(
                f"train cannot be sent to workers ({error}): define it at the top of a module, or give workers=0"
            ) from None
        self.slots = slots
        self._pool = ProcessPool(
            max_workers=slots,
            context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(train, os.getpid()),
        )

    async def run(self, job: Job, checkpoint: Path) -> Result:
        self._start()
        future = self._pool.schedule(_perform_here, args=(job, checkpoint))
        try:
            return await asyncio.wrap_future(future)
        except ProcessExpired as death:
            return Result(job, Status.CRASHED, error=f"worker process died with exit code {death.exitcode}")
        except BrokenProcessPool:
            raise UserError(
                "the worker processes died before training: define train in a module that they can import, "
                "see that there is memory for them, or give workers=0"
            ) from None

    def _start(self) -> None:
        """Start the pool on first use, Ctrl-C blocked: its processes inherit that, and leave Ctrl-C to the engine."""
        resource_tracker.ensure_running()  # it would unblock Ctrl-C in the thread that starts it
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        if not self._pool.active:  # asking starts it
            raise UserError("the worker processes could not be started")
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def close(self) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


_train: Train | None = None


def _start_worker(train: Train, engine: int) -> None:
    """Keep the trainer, and end with the engine even when it is killed."""
    global _train
    _train = train

    def watch() -> None:
        while os.getppid() == engine:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _perform_here(job: Job, checkpoint: Path) -> Result:
    assert _train is not None
    return perform(_train, job, checkpoint)

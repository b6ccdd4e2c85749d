"""Jobs in long-lived worker processes, each on its slot: a share of a GPU, or of the cores.

Pebble's pools replace a worker that dies and end one that hangs. Each slot has a pool of one worker, so that the next
worker of a slot finds the same device, and a death breaks nothing but its own job.
"""

import asyncio
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from multiprocessing import resource_tracker
from typing import Any

from pebble import ProcessExpired, ProcessPool

from nas.checkpoints import States
from nas.errors import UserError
from nas.executors.perform import Train, perform
from nas.types import Job, Result, Status

ATTEMPTS = 3  # of a job whose worker dies or hangs
_STILLBORN = "worker process died before training"
_CONTEXT = multiprocessing.get_context("spawn")


class Workers:
    """Runs jobs in one process for each of `environments`, whose variables it sets, each with its own trainer.

    A job whose worker is killed or goes beyond `trial_timeout` seconds is tried again, ATTEMPTS times in all, and is
    then CRASHED or TIMEOUT.
    """

    def __init__(
        self, trainer: bytes, environments: Sequence[Mapping[str, str]], trial_timeout: float | None = None
    ) -> None:
        """Take the trainer `pickled`."""
        self.slots, self.trial_timeout = len(environments), trial_timeout
        self._idle = [_Slot(trainer, environment) for environment in reversed(environments)]
        self._all = list(self._idle)

    async def run(self, job: Job, states: States) -> Result:
        slot, attempts, by_itself = self._idle.pop(), 0, False
        try:
            while attempts < ATTEMPTS and not by_itself:
                attempts += 1
                result, by_itself = await self._attempt(slot, job, states)
        finally:
            self._idle.append(slot)
        if result.error == _STILLBORN and not any(each.proven for each in self._all):
            raise UserError(
                "the worker processes died before training: define train in a module that they can import, "
                "see that there is memory for them, or give workers=0"
            )
        return replace(result, attempts=attempts)

    async def _attempt(self, slot: "_Slot", job: Job, states: States) -> tuple[Result, bool]:
        """Return a result, and whether the worker came back with it by itself."""
        try:
            async with asyncio.timeout(self.trial_timeout):  # by a clock that never jumps, which Pebble's may
                result = await asyncio.wrap_future(slot.schedule(job, states))
            slot.proven = True
            return result, True
        except TimeoutError:
            failed = Result(job, Status.TIMEOUT, error=f"no end after {self.trial_timeout:g} s")
        except ProcessExpired as death:
            failed = Result(job, Status.CRASHED, error=f"worker process died with exit code {death.exitcode}")
        except BrokenProcessPool:
            failed = Result(job, Status.CRASHED, error=_STILLBORN)
        slot.renew()
        return failed, False

    def close(self) -> None:
        for slot in self._all:
            slot.end()
        for slot in self._all:
            slot.join()


class _Slot:
    """One worker at a time, started when first needed."""

    def __init__(self, trainer: bytes, environment: Mapping[str, str]) -> None:
        self._trainer, self._environment = trainer, dict(environment)
        self.proven = False  # a worker here has come back with a result
        self._begin()

    def _begin(self) -> None:
        self._started = _CONTEXT.SimpleQueue()  # process ids, told by the workers themselves
        arguments = (self._trainer, self._environment, os.getpid(), self._started)
        self._pool = ProcessPool(max_workers=1, context=_CONTEXT, initializer=_start_worker, initargs=arguments)

    def schedule(self, job: Job, states: States) -> "Future[Result]":
        """Return the future of the job. A new worker starts with Ctrl-C blocked: it leaves that to the engine."""
        resource_tracker.ensure_running()  # it would unblock Ctrl-C in the thread that starts it
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            if not self._pool.active:  # asking starts it; a pool whose worker died while idle is broken
                self.renew()
            if not self._pool.active:
                raise UserError("the worker processes could not be started")
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        future: Future[Result] = self._pool.schedule(_perform_here, args=(job, states))
        return future

    def renew(self) -> None:
        """End the worker with whatever it started, and begin anew."""
        self.end()
        self.join()
        self._begin()

    def end(self) -> None:
        while not self._started.empty():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._started.get(), signal.SIGKILL)  # a trainer's own processes are in its group
        self._pool.stop()  # type: ignore[no-untyped-call]

    def join(self) -> None:
        self._pool.join()


def pickled(train: Train) -> bytes:
    """Return the trainer as workers get it. Raises UserError for one that they cannot get."""
    try:
        return pickle.dumps(train)
    except Exception as error:
        raise UserError(
            f"train cannot be sent to workers ({error}): define it at the top of a module, or give workers=0"
        ) from None


_train: Train | None = None


def _start_worker(trainer: bytes, environment: Mapping[str, str], engine: int, started: Any) -> None:
    """Keep the trainer on the slot's device, lead a process group, and end with the engine even when it is killed."""
    global _train
    os.setsid()
    started.put(os.getpid())
    for number in (signal.SIGUSR1, signal.SIGUSR2):  # for the engine alone
        signal.signal(number, signal.SIG_IGN)
    os.environ.update(environment)  # before torch is imported
    _train = pickle.loads(trainer)

    def watch() -> None:
        while os.getppid() == engine:
            time.sleep(1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _perform_here(job: Job, states: States) -> Result:
    assert _train is not None
    return perform(_train, job, states)

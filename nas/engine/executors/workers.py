"""Jobs in long-lived worker processes, each on its slot: a share of a GPU, or of the cores.

Pebble's pools replace a worker that dies and end one that hangs. Each slot has a pool of one worker, so that the next
worker of a slot finds the same device, and a death breaks nothing but its own job.
"""

import asyncio
import multiprocessing
import os
import pickle  # of what this search sends to its own workers, never of a file
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from functools import partial
from multiprocessing import resource_tracker
from typing import Any

import cloudpickle
from pebble import ProcessExpired, ProcessPool

from nas.core.contract import check
from nas.core.errors import Interrupted, UserError
from nas.core.types import Job, Result, Status
from nas.engine.executors import Elsewhere
from nas.engine.executors.perform import Train, perform
from nas.engine.signals import STOPPING
from nas.runs.checkpoints import States

ATTEMPTS = 3  # of a job whose worker dies or hangs
STARTS = 10  # of a worker that dies before it takes the job
_LOOK = 1.0  # seconds between looks whether a silent worker lives
_CONTEXT = multiprocessing.get_context("spawn")


class Workers(Elsewhere):
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
        slot, failed, stillborn = self._idle.pop(), list[Result](), 0
        try:
            while len(failed) < ATTEMPTS and stillborn < STARTS:
                try:
                    async with asyncio.timeout(self.trial_timeout) as limit:  # by a clock that never jumps
                        result = await _outcome(slot, job, states)
                    return replace(result, attempts=len(failed) + 1)
                except TimeoutError:
                    if not limit.expired():
                        raise
                    failed.append(Result(job, Status.TIMEOUT, error=f"no end after {self.trial_timeout:g} s"))
                except ProcessExpired as death:
                    error = f"worker process died with exit code {death.exitcode}"
                    failed.append(Result(job, Status.CRASHED, error=error))
                except BrokenProcessPool:  # it died before it took the job
                    stillborn += 1
                except asyncio.CancelledError:
                    slot.renew()  # its worker is ended in the midst of the job: the next job is not to find it dead
                    raise
                except KeyboardInterrupt:  # train raised it, as it would here
                    raise Interrupted from None
                except UserError:
                    raise
                except Exception as error:  # perform lets nothing else through: it is the system that failed
                    told = " ".join(f"{type(error).__name__}: {error}".split())
                    raise UserError(f"the worker processes fail: {told}") from None
                slot.renew()
        finally:
            self._idle.append(slot)
        if stillborn == STARTS:
            raise UserError(
                "the worker processes die before training: see that there is memory for them, and that the script "
                "that starts the search does so under if __name__ == '__main__', or give workers=0"
            )
        return replace(failed[-1], attempts=len(failed))

    def close(self) -> None:
        for slot in self._all:
            slot.end()
        for slot in self._all:
            slot.join()


async def _outcome(slot: "_Slot", job: Job, states: States) -> Result:
    """Return what the worker makes of the job. Raises ProcessExpired when it dies, in whatever way."""
    future, missed = asyncio.wrap_future(slot.schedule(job, states)), 0
    try:
        while not (await asyncio.wait({future}, timeout=_LOOK))[0]:
            missed = missed + 1 if slot.bereft() else 0
            if missed == 2:  # a worker that ends with status 0 is replaced by Pebble without a word
                raise ProcessExpired("the worker ended", 0)  # type: ignore[no-untyped-call]
        return future.result()
    finally:
        future.cancel()


class _Slot:
    """One worker at a time, started when first needed."""

    def __init__(self, trainer: bytes, environment: Mapping[str, str]) -> None:
        self._trainer, self._environment = trainer, dict(environment)
        self._begin()

    def _begin(self) -> None:
        self._started, self._known = _CONTEXT.SimpleQueue(), list[int]()  # process ids, told by the workers themselves
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
        try:
            future: Future[Result] = self._pool.schedule(_perform_here, args=(job, states))
        except RuntimeError as error:  # the worker died just now
            raise BrokenProcessPool from error
        return future

    def renew(self) -> None:
        """End the worker with whatever it started, and begin anew."""
        self.end()
        self.join()
        self._begin()

    def bereft(self) -> bool:
        """Return whether a worker of this pool has died."""
        return not all(_alive(process) for process in self._workers())

    def _workers(self) -> list[int]:
        while not self._started.empty():
            self._known.append(self._started.get())
        return self._known

    def end(self) -> None:
        for group in self._workers():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)  # a trainer's own processes are in its worker's group
        self._known = []
        self._pool.stop()  # type: ignore[no-untyped-call]

    def join(self) -> None:
        self._pool.join()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def pickled(train: Train) -> bytes:
    """Return the trainer as workers get it: by name from a module, else by value, with what it refers to.

    Raises UserError for one that they cannot get or call.
    """
    check(train)
    try:
        return bytes(cloudpickle.dumps(train))  # closures, and what a script or a notebook defines
    except Exception as error:
        with suppress(Exception):
            return pickle.dumps(train)  # in a script, beside what cannot be copied: workers read the script again
        told = " ".join(f"{error}".split())
        raise UserError(
            f"train cannot be sent to workers ({told}): let it make what it needs by itself, or give workers=0"
        ) from None


_train: Train | None = None


def _start_worker(trainer: bytes, environment: Mapping[str, str], engine: int, started: Any) -> None:
    """Keep the trainer on the slot's device, lead a process group, and end with the engine even when it is killed."""
    global _train
    os.setsid()
    started.put(os.getpid())
    for number in STOPPING:  # for the engine alone, which ends us by SIGKILL
        signal.signal(number, signal.SIG_IGN)
    os.environ.update(environment)  # before torch is imported
    try:
        _train = pickle.loads(trainer)
    except Exception as error:
        _train = partial(_unknown, f"{type(error).__name__}: {error}")

    def watch() -> None:
        while os.getppid() == engine:
            time.sleep(1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _unknown(error: str, *_: object, **__: object) -> dict[str, Any]:
    raise UserError(
        f"the workers cannot import train ({error}): define it in a module that they find, or give workers=0"
    )


def _perform_here(job: Job, states: States) -> Result:
    assert _train is not None
    try:
        return perform(_train, job, states)
    except UserError as error:
        if type(error).__module__ == UserError.__module__:
            raise
        raise UserError(str(error)) from None  # a class of the trainer's own may not survive the way

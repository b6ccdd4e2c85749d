"""Jobs on a Dask cluster. Its workers may join, leave and die; a job that Dask runs twice is harmless.

A Dask worker does not train itself: it keeps a worker process like those of one machine, which may die, hang or fill
the memory without the cluster losing a worker.
"""

import asyncio
import multiprocessing
import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from nas.core.errors import JobLost, UserError
from nas.core.types import Job, Result
from nas.engine.executors import Elsewhere
from nas.engine.executors.perform import Train
from nas.engine.executors.workers import Workers, pickled
from nas.runs.checkpoints import States

_PATIENCE = 30.0  # seconds to reach the scheduler
_FRESH = 2.0  # seconds for which the number of workers is believed


class Cluster(Elsewhere):
    """Runs jobs on the scheduler at `address` ("tcp://host:8786"), or on "local:N" processes that it starts.

    `resources` are what a job needs of a Dask worker, such as {"GPU": 1}; without, it needs one of its threads. The
    folder of the run must be the same for engine and workers. Raises UserError where Dask or the cluster is not there.
    """

    def __init__(
        self,
        train: Train,
        address: str,
        resources: Mapping[str, float] | None = None,
        trial_timeout: float | None = None,
    ) -> None:
        self._setup = (pickled(train), str(Path.cwd()), trial_timeout)
        self._resources = dict(resources or {})
        self._local, self._client = _connect(address, self._resources)
        self._executor = self._client.get_executor(pure=False, retries=0, resources=self._resources or None)
        self._counted = (float("-inf"), 1)

    @property
    def slots(self) -> int:
        """As many as the workers now there have room for; 1 while there are none, to wait in the queue of Dask."""
        if time.monotonic() - self._counted[0] > _FRESH:
            room = self._counted[1]
            with suppress(Exception):  # the scheduler may be out of reach for a while
                workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
                room = sum(_room(worker, self._resources) for worker in workers)
            self._counted = (time.monotonic(), max(1, room))
        return self._counted[1]

    async def run(self, job: Job, states: States) -> Result:
        try:
            return await self._outcome(self._executor.submit(_run_there, self._setup, job, states))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task and task.cancelling():
                raise
            raise JobLost("the cluster cancelled it") from None
        except (UserError, JobLost):
            raise
        except Exception as error:  # perform lets nothing else through: it is the cluster that failed
            raise JobLost(f"{type(error).__name__}: {error}") from None

    async def _outcome(self, future: "Future[Result]") -> Result:
        """Return what `future` gives. Raises JobLost where Dask gives the scheduler up, which futures never hear of."""
        outcome = asyncio.wrap_future(future)
        try:
            while not (await asyncio.wait({outcome}, timeout=_FRESH))[0]:
                if self._client.status == "closed":
                    raise JobLost("its scheduler is gone")
            return await outcome
        finally:
            outcome.cancel()

    def close(self) -> None:
        with suppress(Exception):  # the scheduler may be gone
            self._executor.shutdown(wait=False)
            if self._client.status == "running":
                self._client.run(_end_there, self._setup)  # or what is in training there would train on
            self._client.close()
        if self._local:
            self._local.close()


def _connect(address: str, resources: Mapping[str, float]) -> tuple[Any, Any]:
    """Return the local cluster, if one was asked for, and a client."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise UserError("--cluster needs Dask: pip install 'constrained-nas[dask]'") from None
    kind, _, number = address.partition(":")
    if kind != "local":
        try:
            return None, Client(address, timeout=_PATIENCE)
        except (OSError, ValueError) as error:
            raise UserError(f"no Dask scheduler answers at {address}: {error}") from None
    if not number.isdecimal() or int(number) < 1:
        raise UserError(f"--cluster {address}: give local:N with N processes, or the address of a scheduler")
    local = LocalCluster(
        n_workers=int(number), threads_per_worker=1, memory_limit=0, dashboard_address=None, resources=resources or None
    )
    return local, Client(local)


def _room(worker: Mapping[str, Any], needed: Mapping[str, float]) -> int:
    """Return how many jobs a Dask worker takes at once."""
    shares = [worker["resources"].get(name, 0) // amount for name, amount in needed.items()]
    return int(min([worker["nthreads"], *shares]))


_thread = threading.local()
_kept = list[tuple[tuple[bytes, str, float | None], Workers]]()  # in a Dask worker: whose worker processes it has


def _run_there(setup: tuple[bytes, str, float | None], job: Job, states: States) -> Result:
    """Run the job in the worker process that belongs to this thread of the Dask worker."""
    if getattr(_thread, "setup", None) != setup:
        if getattr(_thread, "setup", None):
            _thread.workers.close()
        trainer, folder, trial_timeout = setup
        with suppress(OSError):  # relative paths mean what they mean to the engine, where its folder is shared
            os.chdir(folder)
        # Dask makes its workers daemons, which multiprocessing forbids to have children; ours end with their parent
        multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
        _thread.workers, _thread.setup = Workers(trainer, [{}], trial_timeout), setup
        _kept.append((setup, _thread.workers))
        Finalize(None, _thread.workers.close, exitpriority=1)  # before multiprocessing waits for the worker to end
    result: Result = asyncio.run(_thread.workers.run(job, states))
    return result


def _end_there(setup: tuple[bytes, str, float | None]) -> None:
    """End the worker processes of a search in a Dask worker, with the jobs they are at."""
    for owner, workers in list(_kept):
        if owner == setup:
            workers.close()
            _kept.remove((owner, workers))

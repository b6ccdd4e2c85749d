"""Where does a job run? Here, in worker processes, or on a cluster; the history is the same.

A worker that dies or fails costs only its own job.
"""

from collections.abc import Callable
from typing import Protocol

from nas.core.types import Job, Result
from nas.runs.checkpoints import States


class Executor(Protocol):
    """Runs jobs, `slots` of them at a time, which may change while it runs."""

    @property
    def slots(self) -> int: ...

    @property
    def cancellable(self) -> bool:
        """Whether `run` may be cancelled, and the job ends with it: none does in a thread of this process."""
        ...

    def heed(self, deadline: Callable[[], float]) -> None:
        """Raise OutOfTime at `deadline`, which may move, by the monotonic clock, where only the executor itself can."""
        ...

    async def run(self, job: Job, states: States) -> Result:
        """Return what came of the job. Raises JobLost when that cannot be known, through no fault of the job."""
        ...

    def close(self) -> None:
        """End the workers and what they are at."""
        ...


class Elsewhere:
    """What executors have in common whose jobs run outside of this process: whoever waits for them can stop waiting."""

    cancellable = True

    def heed(self, deadline: Callable[[], float]) -> None:
        pass

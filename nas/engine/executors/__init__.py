"""Where does a job run? Here, in worker processes, or on a cluster; the history is the same.

A worker that dies or fails costs only its own job.
"""

from typing import Protocol

from nas.core.types import Job, Result
from nas.runs.checkpoints import States


class Executor(Protocol):
    """Runs jobs, `slots` of them at a time, which may change while it runs."""

    @property
    def slots(self) -> int: ...

    async def run(self, job: Job, states: States) -> Result:
        """Return what came of the job. Raises JobLost when that cannot be known, through no fault of the job."""
        ...

    def close(self) -> None:
        """End the workers and what they are at."""
        ...

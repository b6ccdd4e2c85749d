"""An executor in virtual time: thousands of workers, no waiting."""

import asyncio
import heapq
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from nas.core.types import Job, Result, Status
from nas.engine.executors import Elsewhere
from nas.runs.checkpoints import States


class VirtualWorkers(Elsewhere):
    """`slots` workers for which a job takes `seconds(job)` of a time that jumps to the next end when all wait.

    What it comes to is `metrics(config, epochs)`, as a Lookup tells it.
    """

    def __init__(
        self, slots: int, metrics: Callable[[Mapping[str, Any], int], dict[str, float]], seconds: Callable[[Job], float]
    ) -> None:
        self.slots, self.metrics, self.seconds = slots, metrics, seconds
        self.now, self.busy = 0.0, 0.0
        self._ends, self._tie = list[tuple[float, int, asyncio.Future[None]]](), count()
        self._clock: asyncio.Task[None] | None = None

    async def run(self, job: Job, states: States) -> Result:
        end = asyncio.get_running_loop().create_future()
        seconds = self.seconds(job)
        self.busy += seconds
        heapq.heappush(self._ends, (self.now + seconds, next(self._tie), end))
        if self._clock is None or self._clock.done():
            self._clock = asyncio.create_task(self._tick())
        await end
        return Result(job, Status.OK, self.metrics(job.trial.config.values, job.stop))

    async def _tick(self) -> None:
        """While jobs run, let everyone else come to rest, then go to the next end."""
        loop = asyncio.get_running_loop()
        while self._ends:
            while loop._ready:  # type: ignore[attr-defined]
                await asyncio.sleep(0)
            self.now, _, end = heapq.heappop(self._ends)
            end.set_result(None)
            await asyncio.sleep(0)

    def close(self) -> None:
        pass

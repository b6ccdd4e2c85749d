"""How much may a search train? Counted when a training is asked for, so that no order of completion decides."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nas.core.errors import LimitReached
from nas.core.types import Job


class Allowance:
    """So many trials and epochs in all. The first training that has no room in them is the end of the search."""

    def __init__(self, trials: float, epochs: float) -> None:
        self._most_trials, self._most_epochs = trials, epochs
        self._trials, self._epochs, self._spent = set[str](), 0, False
        self._at_work, self._idle = set[str](), asyncio.Event()

    def at_work(self, trial_id: str) -> bool:
        """Return whether the trial is in training."""
        return trial_id in self._at_work

    @asynccontextmanager
    async def work(self, job: Job, paid: bool) -> AsyncIterator[None]:
        """Be at work on `job` in the block. What the run had before is `paid`, whatever the limits are now.

        Raises LimitReached where there is no room for it, as soon as nothing else is at work.
        """
        if not paid and (self._spent or not self._has_room(job)):
            self._spent = True
            await self.idle()
            raise LimitReached
        self._trials.add(job.trial.id)
        self._epochs += job.stop - job.start
        self._at_work.add(job.trial.id)
        self._idle.clear()
        try:
            yield
        finally:
            self._at_work.discard(job.trial.id)
            if not self._at_work:
                self._idle.set()

    async def idle(self) -> None:
        """Wait until nothing is at work."""
        await asyncio.sleep(0)  # whoever asks in vain, again and again, lets others have their turn
        while self._at_work:
            await self._idle.wait()

    def _has_room(self, job: Job) -> bool:
        trials = len(self._trials) + (job.trial.id not in self._trials)
        return trials <= self._most_trials and self._epochs + job.stop - job.start <= self._most_epochs

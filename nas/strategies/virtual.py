"""What ends first, if workers do not decide? Work in lanes takes a time of its own: its epochs x MACs."""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, Generic, TypeVar

from nas.core.types import Trial

Ended = TypeVar("Ended")


def pace(trial: Trial) -> float:
    """Return the virtual time of an epoch: the MACs of the network, or 1 where they are not measured."""
    return dict(trial.cheap).get("macs", 1.0)


class Lane:
    """Where some work stands in virtual time: from where it began, it goes on by what it takes."""

    def __init__(self, now: float, number: int, moved: asyncio.Event) -> None:
        self._now, self._number, self._moved = now, number, moved

    @property
    def place(self) -> tuple[float, int]:
        """When the work ends if it takes nothing more, and the number of the lane; the smallest is the first."""
        return self._now, self._number

    def takes(self, time: float) -> None:
        """Say that the work takes so much more: before it waits for what takes it."""
        self._now += time
        self._moved.set()


class Lanes(Generic[Ended]):
    """Works side by side, which end one after the other in virtual time, however fast their workers are."""

    def __init__(self) -> None:
        self._now, self._number, self._moved = 0.0, count(), asyncio.Event()
        self._works = list[tuple[Lane, asyncio.Task[Ended]]]()

    def __len__(self) -> int:
        return len(self._works)

    def begin(self, work: Callable[[Lane], Coroutine[Any, Any, Ended]]) -> None:
        """Begin `work` now: when the last one ended. Where one that is under way has failed, that is raised."""
        self._raise_failures()
        lane = Lane(self._now, next(self._number), self._moved)
        task = asyncio.create_task(work(lane))
        task.add_done_callback(lambda _: self._moved.set())
        self._works.append((lane, task))

    async def first(self) -> Ended:
        """Return what came of the work that ends first; a failure of any is raised as soon as it happens.

        A work that is under way ends no earlier than its place says, so one that is done with a smaller place is first.
        """
        while True:
            self._raise_failures()
            lane, task = min(self._works, key=lambda work: work[0].place)
            if task.done():
                self._works.remove((lane, task))
                self._now = lane.place[0]
                return task.result()
            self._moved.clear()
            await self._moved.wait()

    async def close(self) -> None:
        """Cancel what is under way, and wait until it has ended."""
        for _, task in self._works:
            task.cancel()
        await asyncio.gather(*(task for _, task in self._works), return_exceptions=True)

    def _raise_failures(self) -> None:
        for _, task in self._works:
            if task.done():
                task.result()

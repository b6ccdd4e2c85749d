"""Whose turn is it to train?"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

Place = tuple[float, ...]

_LOOK_AGAIN = 5.0  # seconds until workers that came meanwhile are noticed


class Slots:
    """Lets so many in at a time as there are slots at that moment; of those waiting, the first in logical order.

    So brackets end one after the other, and few checkpoints are alive at once.
    """

    def __init__(self, number: Callable[[], int]) -> None:
        self._number, self._taken, self._tie = number, 0, count()
        self._waiting = list[tuple[Place, int, asyncio.Future[None]]]()
        self._looking: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, place: Place) -> AsyncIterator[None]:
        """Wait for a slot and hold it. Once a block fails the search is over, and all that wait fail with it."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._waiting, (place, next(self._tie), ready))
        loop.call_soon(self._admit)
        try:
            await ready
            yield
        except BaseException as error:
            waiting, self._waiting = self._waiting, []
            for _, _, other in waiting:
                if not other.done() and not isinstance(error, asyncio.CancelledError):
                    other.set_exception(error)
            raise
        finally:
            if ready.done() and not ready.cancelled() and not ready.exception():
                self._taken -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._taken < self._number():
            _, _, ready = heapq.heappop(self._waiting)
            if not ready.done():
                self._taken += 1
                ready.set_result(None)
        if self._looking:
            self._looking.cancel()
        if self._waiting:
            self._looking = asyncio.get_running_loop().call_later(_LOOK_AGAIN, self._admit)

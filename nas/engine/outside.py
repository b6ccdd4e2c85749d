"""How is work done outside of the event loop that waits for it? A trainer may want a loop of its own."""

import asyncio
import selectors
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Says when the loop has nothing to do but wait."""

    resting: Callable[[], None] | None = None

    def select(self, timeout: float | None = None) -> Any:
        if self.resting and timeout != 0:
            self.resting()
            timeout = 0
        return super().select(timeout)


class Loop(asyncio.SelectorEventLoop):
    """An event loop that stands still while work is done beside it, in the same thread."""

    def __init__(self) -> None:
        self._own_selector = _Selector()
        super().__init__(self._own_selector)
        self._work = deque[tuple[Callable[[], Any], asyncio.Future[Any]]]()
        self._pause: asyncio.Future[None] | None = None

    async def outside(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, or raise what it raises; it is done while the loop stands still."""
        done: asyncio.Future[T] = self.create_future()
        self._work.append((work, done))
        self._stand_still()
        return await done

    async def until_work(self, task: asyncio.Task[Any], resting: bool = False) -> None:
        """Wait until there is work to be done outside, or `task` is done; where `resting`, until nothing can go on."""
        self._pause = self.create_future()
        if self._work:
            self._stand_still()
        self._own_selector.resting = self._stand_still if resting else None
        try:
            await asyncio.wait({task, self._pause}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._own_selector.resting = None

    def do_work(self) -> None:
        """Do what there is to do, while the loop stands still."""
        while self._work:
            work, done = self._work.popleft()
            if done.done():  # nobody waits for it any more
                continue
            try:
                outcome = work()
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                done.set_exception(error)
            else:
                done.set_result(outcome)

    def _stand_still(self) -> None:
        if self._pause and not self._pause.done():
            self._pause.set_result(None)


class Stage(Generic[T]):
    """Brings a coroutine to its end, at once or step by step, in a Loop of its own.

    Where the caller is in an event loop already, as in a notebook, all of it happens in a thread.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._runner = asyncio.Runner(loop_factory=Loop)
        self._loop = cast(Loop, self._runner.get_loop())
        self._task = self._loop.create_task(coroutine)

    def run(self, interrupted: Callable[[], None]) -> T:
        """Return what the coroutine returns, or raise KeyboardInterrupt at Ctrl-C.

        A thread that Ctrl-C does not reach is told by `interrupted` to come to its end.
        """
        return _beside(self._run, interrupted)

    def _run(self) -> T:
        while not self._task.done():
            self._runner.run(self._loop.until_work(self._task))
            self._loop.do_work()
        return self._task.result()

    def step(self) -> T | None:
        """Go on until nothing can happen by itself; return what the coroutine returned, if it is done."""
        if not self._task.done():
            _beside(lambda: self._runner.run(self._loop.until_work(self._task, resting=True)))
        return self._task.result() if self._task.done() else None

    @property
    def done(self) -> bool:
        """Whether the coroutine is."""
        return self._task.done()

    def cancel(self) -> None:
        """Cancel the coroutine, from any thread."""
        self._loop.call_soon_threadsafe(self._task.cancel)

    def close(self) -> None:
        """Cancel the coroutine unless it is done, and close the loop."""
        _beside(self._close)

    def _close(self) -> None:
        with self._runner as runner:
            self._task.cancel()
            self._loop.stop()  # of what is run next: Ctrl-C may have left such a call behind, which this takes away
            self._loop.run_forever()
            runner.run(_quietly(self._task))


async def _quietly(task: asyncio.Task[Any]) -> None:
    await asyncio.gather(task, return_exceptions=True)


def _beside(work: Callable[[], T], interrupted: Callable[[], None] = lambda: None) -> T:
    """Return what `work`, which runs a loop, returns: in a thread where this one is in an event loop already."""
    if not _in_a_loop():
        return work()
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(work)
        try:
            return ended.result()
        except KeyboardInterrupt:
            interrupted()
            wait([ended])
            raise


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True

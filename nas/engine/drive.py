"""When does a search end? At its limits, at Ctrl-C or a signal, or when there is nothing left to try."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Coroutine
from typing import Any

from nas.core.confirmation import candidates
from nas.core.errors import Interrupted, OutOfTime
from nas.core.spec import CONFIRMATION
from nas.engine.confirm import confirm
from nas.engine.executors.inline import Inline
from nas.engine.lab import CALLBACK, Lab
from nas.engine.outside import Stage
from nas.engine.signals import exit_status, stop_requests

TIME = "time limit"
CLOSED = "closed"  # by who asks and tells, before the search was done
_LOOK_AGAIN = 5.0  # seconds until a moved deadline is noticed
_CAUTION = 1.3  # times the expected length of the confirmation is kept for it


def goes_on(stopped: str) -> bool:
    """Return whether a run that was stopped so can be resumed with more to do."""
    return stopped in (TIME, CALLBACK, CLOSED) or exit_status(stopped) != 0


def drive(lab: Lab, limit: float | None) -> str:
    """Run the strategy and the confirmation to their end, or until the run has taken `limit` seconds in all.

    Returns what ended it.
    """
    end = time.monotonic() + (limit - lab.elapsed if limit is not None else math.inf)

    async def search() -> str:
        ended = await _until(lambda: end - _kept(lab, limit), lab, lab.spec.strategy(lab)) or _own_end(lab)
        if lab.repetitions and not lab.stopping:
            ended = await _until(lambda: end, lab, confirm(lab)) or ended
        elif lab.repetitions:
            ended = lab.stopping  # it came after the last result of the search, and the confirmation is still due
        return ended

    def stop(name: str) -> None:
        lab.stopping = name

    with stop_requests(stop):
        return _staged(lab, search())


async def undisturbed(lab: Lab) -> str:
    """Run the strategy and the confirmation; return what ended them. Nobody looks at a clock."""
    try:
        await lab.spec.strategy(lab)
        ended = _own_end(lab)
        if lab.repetitions:
            await confirm(lab)
    except Interrupted:
        return lab.stopping
    return ended


def _own_end(lab: Lab) -> str:
    limited = lab.spec.strategy.endless and not lab.affordable([lab.spec.scheduler.smallest])
    return "limit on trials or epochs" if limited else "nothing left to try"


def _kept(lab: Lab, limit: float | None) -> float:
    """Return the seconds to keep for the confirmation: what it will take, at most its share of the limit."""
    if limit is None or not lab.repetitions:
        return 0.0
    results = lab.history  # not what a resumption was told so far
    best = {result.job.trial.id for result in candidates(results, lab.spec)}
    spent = sum(result.seconds for result in results if result.job.trial.id in best)
    needed = _CAUTION * spent / len(best) * lab.repetitions / lab.executor.slots if best else math.inf
    return min(CONFIRMATION * limit, needed)


async def _until(deadline: Callable[[], float], lab: Lab, work: Coroutine[Any, Any, None]) -> str:
    """Do `work` until `deadline`, which may move; return what ended it, or nothing when it came to its own end."""
    if isinstance(lab.executor, Inline):
        lab.executor.deadline = deadline
    task = asyncio.create_task(work)
    try:
        while (left := deadline() - time.monotonic()) > 0 and not task.done():
            await asyncio.wait({task}, timeout=min(left, _LOOK_AGAIN))
        if not task.done():
            return TIME
        await task
    except OutOfTime:
        return TIME
    except Interrupted:
        lab.stopping = lab.stopping or "interrupted"
        return lab.stopping
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return ""


def _staged(lab: Lab, search: Coroutine[Any, Any, str]) -> str:
    """Return what ended the search."""
    with contextlib.closing(Stage(search)) as stage:
        try:
            return stage.run(lambda: _hurry(lab, stage))
        except KeyboardInterrupt:
            return "interrupted"


def _hurry(lab: Lab, stage: Stage[str]) -> None:
    """Ctrl-C beside a loop: a job in this process comes to its end first, for nothing can interrupt a thread."""
    lab.stopping = "interrupted"
    if not isinstance(lab.executor, Inline):
        stage.cancel()

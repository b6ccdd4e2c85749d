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
from nas.engine.ends import INTERRUPTED, TIME
from nas.engine.followed import followed
from nas.engine.lab import EngineLab
from nas.engine.outside import Stage
from nas.engine.signals import stop_requests
from nas.strategies.lab import Program

_LOOK_AGAIN = 5.0  # seconds until a moved deadline is noticed
_CAUTION = 1.3  # times the expected length of the confirmation is kept for it


def drive(lab: EngineLab, strategy: Program, limit: float | None) -> str:
    """Run `strategy` and the confirmation to their end, or until the run has taken `limit` seconds in all.

    Returns what ended it.
    """
    end = time.monotonic() + (limit - lab.elapsed if limit is not None else math.inf)

    async def search() -> str:
        ended = await _until(lambda: end - _kept(lab, limit), lab, followed(strategy, lab))
        if lab.repetitions and lab.stop.reason:
            return lab.stop.reason  # it came after the last result of the search, and the confirmation is still due
        return (await _until(lambda: end, lab, confirm(lab)) if lab.repetitions else "") or ended

    with stop_requests(lab.stop.ask):
        return _staged(lab, search())


async def undisturbed(lab: EngineLab, strategy: Program) -> str:
    """Run the strategy and the confirmation; return what ended them. Nobody looks at a clock."""
    try:
        ended = await followed(strategy, lab)
        if lab.repetitions:
            await confirm(lab)
    except Interrupted:
        return lab.stop.reason
    return ended


def _kept(lab: EngineLab, limit: float | None) -> float:
    """Return the seconds to keep for the confirmation: what it will take, at most its share of the limit."""
    if limit is None or not lab.repetitions:
        return 0.0
    evidence = lab.evidence  # not what a resumption was told so far
    best = {result.job.trial.id for result in candidates(evidence, lab.spec)}
    spent = sum(result.seconds for result in evidence.searched if result.job.trial.id in best)
    needed = _CAUTION * spent / len(best) * lab.repetitions / lab.executor.slots if best else math.inf
    return min(CONFIRMATION * limit, needed)


async def _until(deadline: Callable[[], float], lab: EngineLab, work: Coroutine[Any, Any, str]) -> str:
    """Do `work` until `deadline`, which may move; return what ended it, if only what it returns."""
    lab.executor.heed(deadline)
    task = asyncio.create_task(work)
    try:
        while (left := deadline() - time.monotonic()) > 0 and not task.done():
            await asyncio.wait({task}, timeout=min(left, _LOOK_AGAIN))
        return await task if task.done() else TIME
    except OutOfTime:
        return TIME
    except Interrupted:
        lab.stop.ask(INTERRUPTED)
        return lab.stop.reason
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _staged(lab: EngineLab, search: Coroutine[Any, Any, str]) -> str:
    """Return what ended the search."""
    with contextlib.closing(Stage(search)) as stage:
        try:
            return stage.run(lambda: _hurry(lab, stage))
        except KeyboardInterrupt:
            return INTERRUPTED


def _hurry(lab: EngineLab, stage: Stage[str]) -> None:
    """Ctrl-C beside a loop: a job that nothing can end, such as one in a thread, comes to its end first."""
    lab.stop.ask(INTERRUPTED)
    if lab.executor.cancellable:
        stage.cancel()

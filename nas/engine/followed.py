"""How is a strategy followed to its end, and what is told where it fails by itself?"""

import inspect
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from nas.core.errors import EndOfJob, LimitReached, StrategyFailed, UserError
from nas.core.words import one_line
from nas.engine.ends import LIMIT, NOTHING
from nas.engine.lab import EngineLab
from nas.runs.disk import write_atomically
from nas.strategies.lab import Program

FILE = "strategy_failure.txt"
_SHELL = (__name__, "nas.strategies.strategy")  # what calls a strategy
_LAB = EngineLab.__module__
_BELOW = ("nas.engine.", "nas.runs.")  # what is raised there is not the strategy's own mistake


async def followed(strategy: Program, lab: EngineLab) -> str:
    """Do what `strategy` says until it ends, with all that it has asked for; return what ended it.

    Raises StrategyFailed where it fails by itself, and else what the lab has raised: UserError, Interrupted, OutOfTime,
    what a callback or measuring raises.
    """
    try:
        await _work(strategy, lab)
        await lab.idle()
    except BaseException as error:
        first = _first(error)
        if isinstance(first, LimitReached):
            return LIMIT
        if _is_own(first, error):
            raise StrategyFailed(_told(strategy, first, error, lab.directory)) from error
        if first is error:
            raise
        raise first from None
    return _own_end(lab)


def _own_end(lab: EngineLab) -> str:
    limited = lab.spec.strategy.endless and not lab.affordable([lab.spec.scheduler.smallest])
    return LIMIT if limited else NOTHING


async def _work(strategy: Program, lab: EngineLab) -> None:
    work: Any = strategy(lab)
    if not inspect.isawaitable(work):
        raise UserError(f"the strategy {_name(strategy)} is no coroutine: write async def mine(lab)")
    await work


def _first(error: BaseException) -> BaseException:
    """Return what counts of the errors of a task group: what ends the search, then what is said to the user."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    ranks = (EndOfJob, UserError, BaseException)
    return min(map(_first, error.exceptions), key=lambda each: [isinstance(each, kind) for kind in ranks].index(True))


def _is_own(first: BaseException, error: BaseException) -> bool:
    """Return whether a strategy made the mistake `first`, of the errors in `error`, and not what it has called."""
    if not isinstance(first, Exception) or isinstance(first, UserError):
        return False
    trace = _trace_of_strategy(error) if first is error else first.__traceback__
    names = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(trace)]
    given = bool(names) and names[-1] == _LAB  # arguments that make no sense
    return given or not any(name.startswith(_BELOW) for name in names)


def _trace_of_strategy(error: BaseException) -> TracebackType | None:
    """Return the traceback from the strategy on; nothing where it could not even be called."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_globals.get("__name__") in _SHELL:
        trace = trace.tb_next
    return trace


def _told(strategy: Program, first: BaseException, error: BaseException, directory: Path | None) -> str:
    """Return in a line what failed and where; the whole traceback goes to the folder of the run, if there is one."""
    frames, trace = traceback.extract_tb(first.__traceback__), _trace_of_strategy(error)
    if not trace:
        return f"the strategy {_name(strategy)} cannot be called: {one_line(first)}; write async def mine(lab)"
    own = [frame for frame in frames if frame.filename == trace.tb_frame.f_code.co_filename]  # not a library below it
    place = f"{(own or frames)[-1].filename}, line {(own or frames)[-1].lineno}"
    line = f"the strategy {_name(strategy)} failed at {place}: {type(first).__name__}: {one_line(first)}"
    if not directory:
        return line
    write_atomically(directory / FILE, "".join(traceback.format_exception(error)))
    return f"{line}; its traceback is in {directory / FILE}; once that is mended the search goes on where it stands"


def _name(strategy: Any) -> str:
    """Return what a strategy is called: where it is defined, the name of a part, or of a function."""
    names = (getattr(strategy, name, "") for name in ("where", "name", "__name__"))
    return str(next(filter(None, names), type(strategy).__name__))

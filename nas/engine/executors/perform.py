"""How does a job become a result? What the trainer returns are metrics, what it raises becomes a status."""

import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from nas.core import contract, faults
from nas.core.contract import LARGEST, Train, sorted_out
from nas.core.errors import Diverged, EndOfJob, UserError, disk_is_full
from nas.core.types import Curve, Job, Result, Status
from nas.runs.checkpoints import Left, States
from nas.runs.disk import writing

__all__ = ["Train", "perform"]


def perform(train: Train, job: Job, states: States) -> Result:
    """Return the result of `job`, trained from the state before it, or from the beginning where that is not whole.

    Raises UserError for what is wrong with the run and not with the trial: a full disk, say.
    """
    began, error, status, trace = time.monotonic(), "", Status.OK, ""
    metrics, details, curve, left = dict[str, float](), dict[str, Any](), Curve(), Left()
    with writing(states.after):
        start = job.start if states.prepare() else 0
        faults.point("job.prepared")
        try:
            train = getattr(train, "again", train) if job.trial.repeats else train
            metrics, details, curve = sorted_out(_called(train, job, start, states))
            curve = _of_job(curve, job)
        except BaseException as caught:
            if beyond := _beyond(caught):
                raise beyond from None
            (status, error), trace = _fate(caught), _traced(caught)
        faults.point("job.trained")
        try:
            left = states.settle()
        except OSError as caught:
            if disk_is_full(caught):
                raise
            metrics, details, curve = {}, {}, {}
            status, error = Status.CRASHED, f"its checkpoint cannot be read: {caught}"
    seconds = round(time.monotonic() - began, 3)
    return Result(
        job, status, metrics, details, seconds, error,
        checkpoint=left.digest, checkpoint_bytes=left.size, trace=trace, curve=curve,
    )  # fmt: skip


def _of_job(curve: Curve, job: Job) -> Curve:
    """Return the part of `curve` that is this job's, wherever training began. Raises TypeError where it goes beyond."""
    if curve and max(curve) > job.stop:
        raise TypeError(f"train returned a curve up to epoch {max(curve)}, but was to train to {job.stop}")
    return {epoch: metrics for epoch, metrics in curve.items() if epoch > job.start}


def _called(train: Train, job: Job, start: int, states: States) -> Mapping[str, Any]:
    """Return what train returns. A process that it forks ends where train ends: all beyond is its parent's to do."""
    here, values = os.getpid(), job.trial.config.values
    try:
        with _in_this_folder():
            returned = train(values, epochs=job.stop, start=start, seed=job.trial.seed, checkpoint=states.checkpoint)
    except BaseException as error:
        if os.getpid() != here:
            _end_child(error)
        raise
    if os.getpid() != here:
        _end_child(None)
    return returned


@contextmanager
def _in_this_folder() -> Iterator[None]:
    """Be in the same working folder after the block: relative paths are to mean the same in every trial."""
    folder = None
    with suppress(OSError):  # it may be gone
        folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield
    finally:
        if folder is not None:
            with suppress(OSError):
                os.fchdir(folder)
            os.close(folder)


def _end_child(error: BaseException | None) -> NoReturn:
    """End this process as Python would after `error`, but without anything that is its parent's to do."""
    code = error.code if isinstance(error, SystemExit) else 1 if error else 0
    with suppress(Exception):
        if error and not isinstance(error, SystemExit):
            traceback.print_exception(error)
        if not isinstance(code, int):
            print(code or "", end="\n" if code else "", file=sys.stderr)
            code = 1 if code else 0
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


def _beyond(error: BaseException) -> BaseException | None:
    """Return what in `error` is more than the fate of its trial: that of the run, of the engine, of the user."""
    if isinstance(error, BaseExceptionGroup):  # of a trainer's own tasks
        return next(filter(None, map(_beyond, error.exceptions)), None)
    return error if isinstance(error, (UserError, EndOfJob, KeyboardInterrupt)) or disk_is_full(error) else None


def _fate(error: BaseException) -> tuple[Status, str]:
    """Return what an error makes of a trial: whatever a trainer raises is the trial's fate, not the search's."""
    if isinstance(error, Diverged):
        return Status.DIVERGED, _text(error)
    return Status.OOM if _out_of_memory(error) else Status.CRASHED, f"{type(error).__name__}: {_text(error)}"


def _text(error: BaseException) -> str:
    try:
        return str(error)[:LARGEST]
    except Exception:  # its own __str__ fails
        return "it cannot be told"


def _traced(error: BaseException) -> str:
    """Return the traceback from train on; nothing where its error came of what it returned."""
    inner = error.__traceback__
    while inner and inner.tb_frame.f_code.co_filename in (__file__, contract.__file__):
        inner = inner.tb_next
    with suppress(Exception):  # its own __str__ fails
        return "".join(traceback.format_exception(type(error), error, inner)) if inner else ""
    return ""


def _out_of_memory(error: BaseException) -> bool:
    """Tell memory errors of Python, CUDA and torch's CPU allocator, without importing torch."""
    return isinstance(error, MemoryError) or any(
        sign in f"{type(error).__name__} {_text(error)}" for sign in ("OutOfMemoryError", "can't allocate memory")
    )

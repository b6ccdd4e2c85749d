"""How does a job become a result? What the trainer returns are metrics, what it raises becomes a status."""

import json
import time
from collections.abc import Callable
from typing import Any

from nas import faults
from nas.checkpoints import States
from nas.disk import full_disk_told
from nas.errors import Diverged, UserError, disk_is_full
from nas.types import Job, Result, Status, canonical

LARGEST = 1 << 20  # characters of a result besides its metrics

Train = Callable[..., dict[str, Any]]


def perform(train: Train, job: Job, states: States) -> Result:
    """Return the result of `job`, trained from the state before it, or from the beginning where that is not whole.

    Raises UserError for what is wrong with the run and not with the trial: a full disk, say.
    """
    began, values, error, status = time.monotonic(), job.trial.config.values, "", Status.OK
    metrics, details = dict[str, float](), dict[str, Any]()
    with full_disk_told(states.after):
        start = job.start if states.prepare() else 0
        faults.point("job.prepared")
        try:
            train = getattr(train, "again", train) if job.trial.repeats else train
            returned = train(values, epochs=job.stop, start=start, seed=job.trial.seed, checkpoint=states.after)
            metrics, details = _sorted_out(returned)
        except (Exception, SystemExit) as caught:
            if isinstance(caught, UserError) or disk_is_full(caught):
                raise
            status, error = _fate(caught)
        faults.point("job.trained")
        left = states.settle()
    seconds = round(time.monotonic() - began, 3)
    return Result(job, status, metrics, details, seconds, error, checkpoint=left.digest, checkpoint_bytes=left.size)


def _sorted_out(returned: object) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the numbers of what train returned, and what else of it JSON can hold. Raises TypeError for the rest."""
    if not isinstance(returned, dict):
        raise TypeError(f"train returned {type(returned).__name__}, not a dict of metrics")
    metrics, details, size = dict[str, float](), dict[str, Any](), 0
    for name, value in returned.items():
        if isinstance(value, (str, list, tuple, dict, type(None))):
            text = canonical(value)
            size += len(text)
            details[name] = json.loads(text)  # as it is read back
        else:
            metrics[name] = float(value)
    if size > LARGEST:
        raise TypeError(
            f"train returned {size} characters besides its metrics: keep to {LARGEST}, write files for more"
        )
    return metrics, details


def _fate(error: BaseException) -> tuple[Status, str]:
    """Return what an error makes of a trial: whatever a trainer raises is the trial's fate, not the search's."""
    if isinstance(error, Diverged):
        return Status.DIVERGED, str(error)
    return Status.OOM if _out_of_memory(error) else Status.CRASHED, f"{type(error).__name__}: {error}"


def _out_of_memory(error: BaseException) -> bool:
    """Tell memory errors of Python, CUDA and torch's CPU allocator, without importing torch."""
    return isinstance(error, MemoryError) or any(
        sign in f"{type(error).__name__} {error}" for sign in ("OutOfMemoryError", "can't allocate memory")
    )

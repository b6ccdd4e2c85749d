"""What does the folder of a run give? A curve of each trial: its rungs, and what its trainer told between them."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from nas.core.described import digest
from nas.core.errors import UserError
from nas.core.plain import canonical
from nas.core.types import Result, Status, Trial
from nas.history.sources.data import name_of, task_of
from nas.history.sources.found import Found
from nas.history.values import Curve
from nas.runs.folder import COMPARISON, SPEC, is_study
from nas.runs.stored import StoredRun, open_run

# Of the details; the others are the setting.
_TASK = ("data", "data_digest", "image_size", "official", "space", "history")
_TEST = "test_"  # how the name of a metric of test images begins, where a trainer tells some


def found(directory: Path, task: str | None = None) -> list[Found]:
    """Return what the run in `directory` gives, or each run of the comparison there.

    The task is called as the data are, or `task`. Raises UserError where no run is, none has a name for its task, or
    it has no result.
    """
    if not (directory / COMPARISON).exists():
        return [of_run(directory, task)]
    if is_study(directory):
        raise UserError(f"{directory} is a study of learning rates, of one configuration: it has no curves of a space")
    runs = sorted(path.parent for path in directory.glob(f"*/{SPEC}"))
    if not runs:
        raise UserError(f"{directory} is a comparison that has no run yet")
    return [of_run(run, task) for run in runs]


def of_run(directory: Path, task: str | None, official: bool = False) -> Found:
    """Return what one run gives; `official` images are those of `nas.training.official`."""
    run = open_run(directory)
    details = {**run.spec.details, **({"official": True} if official else {})}
    name = task or name_of(details)
    if not name:
        raise UserError(f"{directory} does not say what data it trained on: name the task by --task")
    known, note = task_of(name, details)
    curves, failed = _curves(run, name)
    if not curves:
        raise UserError(f"{directory} has no result of a training yet")
    told = ", ".join(f"{count} {status}" for status, count in sorted(failed.items()))
    notes = (note, f"failed trials are left out: {told}" if told else "")
    space = str(run.spec.details.get("space", directory.name))
    return Found(str(directory), space, digest(run.spec.space), (known,), curves, tuple(filter(None, notes)))


def _curves(run: StoredRun, task: str) -> tuple[list[Curve], Counter[str]]:
    """Return a curve of each trial that never failed, and how many did, by how."""
    trials, failed, curves = dict[str, list[Result]](), Counter[str](), list[Curve]()
    for result in run.history:
        trials.setdefault(result.job.trial.id, []).append(result)
    decided = setting(run.spec.details)
    for results in trials.values():
        fate = next((each.status for each in results if each.status is not Status.OK), None)
        if fate:
            failed[str(fate)] += 1
            continue
        trial, rungs = results[0].job.trial, sorted(results, key=lambda each: each.job.stop)
        points = _points(trial, rungs)
        if points:
            seconds = {epoch: took for epoch, took in _seconds(rungs).items() if epoch in points}
            cheap = {name: value for name, value in trial.cheap if math.isfinite(value)}
            full = run.spec.max_epochs
            curves.append(Curve(task, trial.config, trial.seed, points, cheap, seconds, full, decided))
    return curves, failed


def _points(trial: Trial, rungs: Sequence[Result]) -> dict[int, dict[str, float]]:
    """Return the metrics of validation by epoch; those that are not finite tell nothing."""
    cheap, found = {name for name, _ in trial.cheap}, dict[int, dict[str, float]]()
    for rung in rungs:
        for epoch, metrics in (*rung.curve.items(), (rung.job.stop, rung.metrics)):
            validated = {
                name: value
                for name, value in metrics.items()
                if name not in cheap and not name.startswith(_TEST) and math.isfinite(value)
            }
            if validated:
                found.setdefault(epoch, {}).update(validated)
    return found


def _seconds(rungs: Iterable[Result]) -> dict[int, float]:
    """Return the seconds of training in all by the epoch of each rung, as long as every rung before is there."""
    found, total, last = dict[int, float](), 0.0, 0
    for rung in rungs:
        if rung.job.start != last:
            break
        total, last = total + rung.seconds, rung.job.stop
        found[last] = total
    return found


def setting(details: Mapping[str, Any]) -> str:
    """Return the digest of what decides a training beside task, configuration, seed and epochs."""
    rest = {name: value for name, value in details.items() if name not in _TASK}
    return blake2b(canonical(rest).encode(), digest_size=8).hexdigest()

"""May this be remembered? What is wrong with a curve, and what two accounts of one thing have in common."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from nas.core.digests import is_listed
from nas.core.errors import UserError
from nas.history.packed import Body, Points
from nas.history.values import Curve, Task

Known = TypeVar("Known")
_NUMBERS, _EPOCHS = 1 << 63, 1 << 31  # whole numbers that the file holds are below


def check(curve: Curve, source: str) -> None:
    """Raise UserError, naming the curve and its `source`, unless epochs rise from 1 on and every value is finite."""
    last = 0
    if not curve.task or not curve.points:
        raise UserError(f"{told(curve, source)}: {'it has no epoch' if curve.task else 'its task has no name'}")
    if not -_NUMBERS <= curve.seed < _NUMBERS:
        raise UserError(f"{told(curve, source)}: a seed lies below 2**63")
    for epoch, metrics in curve.points.items():
        if not last < epoch < _EPOCHS:
            raise UserError(f"{told(curve, source)}: epoch {epoch} after {last}: they are whole, and rise from 1 on")
        if not metrics:
            raise UserError(f"{told(curve, source)}: epoch {epoch} has no metric")
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise UserError(
                    f"{told(curve, source)}: {name} is {value} at epoch {epoch}: leave out what is not known"
                )
        last = epoch
    for name, value in (
        *curve.cheap.items(),
        *((f"seconds of epoch {at}", took) for at, took in curve.seconds.items()),
    ):
        if not math.isfinite(value):
            raise UserError(f"{told(curve, source)}: {name} is {value}: leave out what is not known")
    if not curve.seconds.keys() <= curve.points.keys():
        raise UserError(f"{told(curve, source)}: it has the seconds of epochs that it lacks")


def told(curve: Curve, source: str) -> str:
    """Return which curve it is, for people."""
    return f"{source}: task {curve.task}, configuration {curve.config.id}, seed {curve.seed}"


def joined(old: Body, curve: Curve, source: str) -> Body:
    """Return what two accounts of one curve hold together: `old`, and what `curve` knows more.

    Raises UserError where they disagree on a metric. Cheap metrics and seconds hang on the machine: the first count.
    """
    points = Points({epoch: dict(metrics) for epoch, metrics in old.points.items()})
    for epoch, metrics in curve.points.items():
        known = points.setdefault(epoch, {})
        for name, value in metrics.items():
            if known.setdefault(name, value) != value:
                raise UserError(
                    f"{told(curve, source)}: {name} is {value!r} at epoch {epoch}, but {known[name]!r} in the history: "
                    "which is true? nas history remove takes a task out, --task gives it another name"
                )
    seconds = _by_epoch({**curve.seconds, **old.seconds})
    return Body(_by_epoch(points), seconds, {**curve.cheap, **old.cheap})


def agreed(old: Task, new: Task, source: str) -> Task:
    """Return what is known of a task by two accounts. Raises UserError where they disagree: these are two tasks."""
    found = dict[str, Any]()
    for name in ("images", "classes", "channels", "size", "per_class"):
        found[name] = _either(old, new, name, getattr(old, name), getattr(new, name), source)
    own = old.name  # a family of that name may just not be known
    families = [each.family if each.family != own else "" for each in (old, new)]
    found["family"] = _either(old, new, "family", families[0], families[1], source) or own
    comparable = not is_listed(old.digest) and not is_listed(new.digest)  # else times of files may differ alone
    found["digest"] = _either(old, new, "digest", old.digest, new.digest, source) if comparable else old.digest
    return replace(old, **found)


def _either(old: Task, new: Task, name: str, before: Known, now: Known, source: str) -> Known:
    if before and now and before != now:
        raise UserError(
            f"{source}: task {new.name} has {name} {_short(now)}, but {_short(before)} in the history: "
            "these are two tasks, so give it a name of its own by --task"
        )
    return before or now


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _by_epoch(values: Mapping[int, Known]) -> dict[int, Known]:
    return {epoch: values[epoch] for epoch in sorted(values)}

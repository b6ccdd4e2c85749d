"""What stands in a history, at a glance? Its tasks, and the best configurations of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from nas.core.errors import UserError
from nas.core.types import Config
from nas.history.values import Curve, Task


@dataclass(frozen=True)
class Ranked:
    """A configuration by the best that it reached on a task, a mean over its curves."""

    config: Config
    value: float
    curves: tuple[Curve, ...]
    best: Curve  # of these
    epoch: int  # at which that was best


def ranking(curves: Iterable[Curve], metric: str, maximize: bool = True) -> list[Ranked]:
    """Return the configurations of `curves`, best first; without those that have no value of the metric.

    Raises UserError where none has.
    """
    grouped, known = dict[Config, list[tuple[float, int, Curve]]](), set[str]()
    sign = 1 if maximize else -1
    for curve in curves:
        known.update(*curve.points.values())
        reached = [(sign * point[metric], -epoch) for epoch, point in curve.points.items() if metric in point]
        if reached:
            value, epoch = max(reached)
            grouped.setdefault(curve.config, []).append((value, -epoch, curve))
    if not grouped:
        raise UserError(f"no curve has the metric {metric!r}: it is one of {', '.join(sorted(known))}")
    ranked = []
    for config, each in grouped.items():
        _, epoch, best = max(each, key=lambda one: one[0])
        ranked.append(Ranked(config, sign * fmean(one[0] for one in each), tuple(one[2] for one in each), best, epoch))
    return sorted(ranked, key=lambda one: (-sign * one.value, one.config.id))


def epochs(curves: Iterable[Curve]) -> str:
    """Return at which epochs there are values: "1, 3, 9", or "1 to 75" where they are many."""
    found = sorted({epoch for curve in curves for epoch in curve.points})
    return ", ".join(map(str, found)) if len(found) < 5 else f"{found[0]} to {found[-1]}"


def metrics(curves: Iterable[Curve]) -> list[str]:
    """Return the metrics of the curves, accuracy first."""
    found = {name for curve in curves for point in curve.points.values() for name in point}
    return sorted(found, key=lambda name: (name != "accuracy", name))


def facts(task: Task) -> str:
    """Return what is known of a task, in words."""
    size = f"{task.size[0]}x{task.size[1]} pixels" if task.size else ""
    balanced = f"{min(task.per_class):,} to {max(task.per_class):,} images a class" if task.per_class else ""
    parts: Sequence[str] = (
        f"{task.images:,} images" if task.images else "",
        f"{task.channels} channels" if task.channels else "",
        size,
        f"{task.classes:,} classes" if task.classes else "",
        balanced,
        f"of the family {task.family}" if task.family != task.name else "",
    )
    return ", ".join(filter(None, parts)) or "nothing is known of its data"

"""What is known of some configurations on earlier tasks, as one table?"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace
from numpy.typing import NDArray

from nas.core.types import Config
from nas.core.values import to_vector
from nas.history.values import Curve

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Past:
    """Earlier tasks by configurations by knots, which are the epochs at which curves are looked at."""

    tasks: tuple[str, ...]
    values: Floats  # [tasks, configurations, knots]: the best value until then; nan where not known
    features: Floats  # [configurations, columns] in 0 .. 1
    knots: tuple[int, ...]  # epochs, rising; the last is a full training
    maximize: bool = True  # whether more of the metric is better
    families: tuple[str, ...] = ()  # of each task: one family says the same thing several times

    def __post_init__(self) -> None:
        """A task without a family is its own."""
        if not self.families:
            object.__setattr__(self, "families", self.tasks)


def knots_of(full: int, factor: float = 2.0) -> tuple[int, ...]:
    """Return epochs that rise by about `factor` from 1 to `full`, such as 1, 2, 5, 10, 19, 38, 75."""
    knots = [full]
    while knots[0] > 1:
        knots.insert(0, max(1, min(knots[0] - 1, round(knots[0] / factor))))
    return tuple(knots)


def past_of(
    curves: Iterable[Curve],
    configs: Sequence[Config],
    space: ConfigurationSpace,
    knots: Sequence[int],
    metric: str,
    maximize: bool = True,
    families: dict[str, str] | None = None,
) -> Past:
    """Return what `curves` tell of `configs` in `metric`; of several seeds, the mean.

    A knot is known where the curve has a value after the knot before: the best of all until then. A curve that goes on
    beyond the last knot counts up to there.
    """
    chosen = {config: place for place, config in enumerate(configs)}
    found = defaultdict[tuple[str, int], list[Floats]](list)
    for curve in curves:
        if curve.config in chosen:
            points = {epoch: values[metric] for epoch, values in curve.points.items() if metric in values}
            found[curve.task, chosen[curve.config]].append(_at(points, knots, maximize))
    tasks = tuple(sorted({task for (task, _), seeds in found.items() if not np.isnan(seeds).all()}))
    values = np.full((len(tasks), len(configs), len(knots)), np.nan)
    for (task, place), seeds in found.items():
        if task not in tasks:
            continue
        known = np.array(seeds)
        counted = (~np.isnan(known)).sum(axis=0)
        values[tasks.index(task), place] = np.where(counted, np.nansum(known, axis=0) / np.maximum(counted, 1), np.nan)
    kin = tuple((families or {}).get(task, task) for task in tasks)
    return Past(tasks, values, features(space, configs), tuple(knots), maximize, kin)


def _at(points: dict[int, float], knots: Sequence[int], maximize: bool) -> Floats:
    """Return the best value until each knot."""
    epochs = np.array(sorted(epoch for epoch, value in points.items() if not np.isnan(value)), dtype=int)
    found = np.full(len(knots), np.nan)
    if len(epochs):
        best = (np.maximum if maximize else np.minimum).accumulate([points[epoch] for epoch in epochs.tolist()])
        until = np.searchsorted(epochs, knots, side="right")
        news = np.diff(until, prepend=0) > 0
        found[news] = best[until[news] - 1]
    return found


def features(space: ConfigurationSpace, configs: Sequence[Config]) -> Floats:
    """Return one row a configuration: numbers on the scale of the space, a column for each choice that has no order.

    What is inactive stands in the middle, and a column of its own says so.
    """
    columns = list[Floats]()
    for name, hyperparameter in space.items():
        active = np.array([name in config.values for config in configs], dtype=bool)
        column = np.full(len(configs), 0.5)
        if active.any():
            column[active] = to_vector(hyperparameter, [c.values[name] for c in configs if name in c.values])
        if isinstance(hyperparameter, CategoricalHyperparameter):
            columns += [np.where(active, column == place, 0.0) for place in range(len(hyperparameter.choices))]
        else:
            places = getattr(hyperparameter, "sequence", None)
            columns.append(np.where(active, column / max(1, len(places) - 1), 0.5) if places else column)
        if not active.all():
            columns.append(active.astype(float))
    return np.stack(columns, axis=1) if columns else np.zeros((len(configs), 0))

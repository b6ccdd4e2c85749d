"""What do results say of the metrics? Normal scores of their ranks: no scale matters, and what failed is last."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from nas.core.constraints import Constraint
from nas.core.types import Result

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """The normal scores of one metric, the larger the better, and where among them its bound lies."""

    scores: Array
    bound: float = math.nan


@dataclass(frozen=True)
class Outcomes:
    """What each of `results` came to, as [results, 3 + constraints].

    Epochs, feasibility, and what is the larger the better: the objective, and by how much each bound is kept. Minus
    infinity where it failed, or the metric is missing.
    """

    results: tuple[Result, ...]
    values: Array

    @property
    def several(self) -> bool:
        """Whether they are of several numbers of epochs."""
        return bool((self.values[:, 0] != self.values[0, 0]).any())

    @property
    def feasibility(self) -> Array:
        """Minus the sum of all violations."""
        return np.asarray(self.values[:, 1])

    @property
    def metrics(self) -> Array:
        """The objective and by how much each bound is kept, as [metrics, results]."""
        return np.asarray(self.values[:, 2:].T)


def outcomes(
    results: Collection[Result], constraints: Sequence[Constraint], before: Outcomes | None = None
) -> Outcomes:
    """Return what `results` came to; what was already told of the first of them, `before`, is not read again."""
    every = tuple(results)
    known = before if before and before.results == every[: len(before.results)] else None
    first = len(known.results) if known else 0
    news = np.array([_outcome(result, constraints) for result in every[first:]]).reshape(-1, 3 + len(constraints))
    return Outcomes(every, np.concatenate([known.values, news]) if known else news)


def _outcome(result: Result, constraints: Sequence[Constraint]) -> list[float]:
    kept = [0.0 - constraint.miss(result.metrics.get(constraint.metric, math.nan)) for constraint in constraints]
    return [result.epochs, result.score.feasibility, result.score.objective, *kept]


def normal(values: Array, bound: float = math.nan) -> Target:
    """Return the normal scores of `values`, and the place of `bound`: between what is below it and what is not."""
    scores = ndtri((rankdata(values) - 0.5) / len(values))
    least = 0.25 / len(values)
    return Target(scores, float(ndtri(np.clip(np.mean(values < bound), least, 1 - least))))

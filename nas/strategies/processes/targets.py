"""What do results say of the metrics? Normal scores of their ranks: no scale matters, and what failed is last."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from nas.core.constraints import Constraint
from nas.core.types import Result, Status

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """The normal scores of one metric, larger is better, and where among them its bound lies."""

    scores: Array
    bound: float


def target(values: Array, bound: float = math.nan) -> Target:
    """Return the normal scores of `values`, of which larger ones are better and those that are not numbers the worst."""
    count = len(values)
    filled = np.where(np.isnan(values), -np.inf, values)
    scores = ndtri((rankdata(filled) - 0.5) / count)
    met = float(np.mean(filled >= bound))
    return Target(scores, float(ndtri(np.clip(1 - met, 0.25 / count, 1 - 0.25 / count))))


def objective(results: Sequence[Result]) -> Array:
    """Return the objective of each, larger is better, NaN where it failed."""
    return np.array([r.score.objective if r.status is Status.OK else math.nan for r in results])


def metric(results: Sequence[Result], constraint: Constraint) -> Array:
    """Return the metric that `constraint` bounds, such that larger is better, NaN where it is missing."""
    sign = 1.0 if constraint.relation == ">=" else -1.0
    return np.array([sign * r.metrics.get(constraint.metric, math.nan) if r.status is Status.OK else math.nan for r in results])

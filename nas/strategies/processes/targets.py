"""What do results say of the metrics? Normal scores of their ranks: no scale matters, and what failed is last."""

import math
from collections.abc import Sequence
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


def objective(results: Sequence[Result]) -> Array:
    """Return the objective of each, the larger the better, minus infinity where it failed."""
    return np.array([result.score.objective for result in results])


def metric(results: Sequence[Result], constraint: Constraint) -> Array:
    """Return by how much each keeps the bound of `constraint`, minus infinity where the metric is missing."""
    missed = [constraint.miss(result.metrics.get(constraint.metric, math.nan)) for result in results]
    return 0.0 - np.array(missed)


def normal(values: Array, bound: float = math.nan) -> Target:
    """Return the normal scores of `values`, and the place of `bound`: between what is below it and what is not."""
    scores = ndtri((rankdata(values) - 0.5) / len(values))
    least = 0.25 / len(values)
    return Target(scores, float(ndtri(np.clip(np.mean(values < bound), least, 1 - least))))

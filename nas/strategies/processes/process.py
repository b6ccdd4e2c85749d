"""What is a metric where it was not measured? A Gaussian process says, and how surely (Rasmussen & Williams 2006)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from nas.strategies.processes.covariance import JITTER, Covariance

Array = NDArray[np.float64]

LEAST = 1e-10  # variance: where it is known exactly


@dataclass(frozen=True)
class Process:
    """A process through `values` [results] at `features` [results, features]."""

    covariance: Covariance
    features: Array
    values: Array

    def predicted(self, features: Array, making: Array) -> tuple[Array, Array]:
        """Return mean and deviation at `features`, as they will be when what is in the `making` is known.

        That takes from the deviation alone. Of its values nothing is assumed, but that they will be exact: so what is
        in the making is of no more interest, nor what is much like it.
        """
        across = self.covariance.between(self.features, features)
        known = solve_triangular(self._lower, across, lower=True)
        variance = 1 - (known**2).sum(axis=0)
        if len(making):
            before = solve_triangular(self._lower, self.covariance.between(self.features, making), lower=True)
            among = self.covariance.between(making, making) + JITTER * np.eye(len(making))
            corner = cholesky(among - before.T @ before, lower=True)
            rest = self.covariance.between(making, features) - before.T @ known
            variance -= (solve_triangular(corner, rest, lower=True) ** 2).sum(axis=0)
        return across.T @ self._weights, np.sqrt(np.maximum(variance, LEAST))

    def mean(self, features: Array) -> Array:
        """Return the mean at `features`."""
        return np.asarray(self.covariance.between(features, self.features) @ self._weights)

    @cached_property
    def _lower(self) -> Array:
        return np.asarray(cholesky(self.covariance.among(self.features), lower=True))

    @cached_property
    def _weights(self) -> Array:
        return np.asarray(cho_solve((self._lower, True), self.values))

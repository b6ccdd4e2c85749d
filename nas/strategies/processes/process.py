"""What is a metric where nobody measured it? A Gaussian process, its scales fitted by the most probable."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

Array = NDArray[np.float64]
STEPS = 30
NOISE, NOISE_SPREAD = 0.1, 1.0
WEIGHT, WEIGHT_SPREAD = np.exp(0.5), 1.25
ROOT5 = 5**0.5
ADDED, STEEP = 0.5, 3.0


@dataclass(frozen=True)
class Scales:
    """Logarithms: how much a squared difference of each owner weighs, and the variance of the noise."""

    weights: Array
    noise: float


def fitted(features: Array, owner: Array, values: Array, start: Scales | None) -> Scales:
    """Return the most probable scales of a process through `values`, sought from `start`.

    Log-normal priors: weights about exp(-1) over their number, noise about NOISE. L-BFGS by exact gradients.
    """
    owners = int(owner.max()) + 1
    apart = np.stack([_squared(features[:, owner == o]) for o in range(owners)]).reshape(owners, -1)
    mean = np.append(np.full(owners, np.log(WEIGHT / owners)), np.log(NOISE))
    spread = np.append(np.full(owners, WEIGHT_SPREAD), NOISE_SPREAD)
    n = len(values)

    def loss(theta: Array) -> tuple[float, Array]:
        weights, noise = np.exp(theta[:-1]), np.exp(theta[-1])
        r = np.sqrt(np.maximum(weights @ apart, 1e-12)).reshape(n, n)
        fading = np.exp(-ROOT5 * r)
        added = np.exp(-STEEP * weights[:, None] * apart)
        kernel = (1 - ADDED) * (1 + ROOT5 * r + 5 / 3 * r * r) * fading + ADDED / owners * added.sum(axis=0).reshape(n, n)
        kernel[np.diag_indices(n)] += noise + 1e-6
        factor = cho_factor(kernel, lower=True)
        alpha = cho_solve(factor, values)
        inverse = cho_solve(factor, np.eye(n))
        inner = np.outer(alpha, alpha) - inverse
        slope = -(1 - ADDED) * (5 / 6) * (1 + ROOT5 * r) * fading * inner
        gradient = -0.5 * (apart @ slope.ravel() - ADDED / owners * STEEP * ((added * apart) @ inner.ravel())) * weights
        of_noise = -0.5 * np.trace(inner) * noise
        z = (theta - mean) / spread
        value = 0.5 * values @ alpha + np.log(np.diag(factor[0])).sum() + 0.5 * z @ z
        return float(value), np.append(gradient, of_noise) + z / spread

    begin = mean if start is None else np.append(start.weights, start.noise)
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=[(-8, 4)] * owners + [(-9, 1)], options={"maxiter": STEPS})
    return Scales(found.x[:-1], float(found.x[-1]))


def _squared(features: Array) -> Array:
    return np.asarray(((features[:, None] - features[None]) ** 2).sum(axis=-1))


def covariance(one: Array, other: Array, owner: Array) -> Array:
    """Return the covariances of scaled features: Matern 5/2 of all together, and what each adds by itself."""
    r = ROOT5 * np.sqrt(_apart(one, other))
    together = (1 + r + r * r / 3) * np.exp(-r)
    owners = int(owner.max()) + 1
    alone = sum(np.exp(-STEEP * _apart(one[:, owner == o], other[:, owner == o])) for o in range(owners))
    return np.asarray((1 - ADDED) * together + ADDED / owners * alone)


def _apart(one: Array, other: Array) -> Array:
    if one.shape[1] == 1:
        return np.asarray((one - other.T) ** 2)
    squared = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    return np.asarray(np.maximum(squared, 0))


@dataclass(frozen=True)
class Process:
    """A process through `values` at `features`, with what is in the making `beyond` them."""

    features: Array
    values: Array
    scales: Scales
    owner: Array

    @cached_property
    def scale(self) -> Array:
        return np.exp(0.5 * self.scales.weights)[self.owner]

    @cached_property
    def _lower(self) -> Array:
        at = self.features * self.scale
        return cholesky(covariance(at, at, self.owner) + (np.exp(self.scales.noise) + 1e-6) * np.eye(len(at)), lower=True)

    @cached_property
    def _alpha(self) -> Array:
        return np.asarray(cho_solve((self._lower, True), self.values))

    def predicted(self, features: Array, making: Array) -> tuple[Array, Array]:
        """Return mean and deviation at `features`; what is in the `making` takes from the deviation only."""
        at = features * self.scale
        known = self.features * self.scale
        across = covariance(known, at, self.owner)
        mean = across.T @ self._alpha
        if len(making):
            soon = making * self.scale
            everything = np.concatenate([known, soon])
            noise = np.exp(self.scales.noise) + 1e-6
            between = solve_triangular(self._lower, covariance(known, soon, self.owner), lower=True)
            corner = cholesky(covariance(soon, soon, self.owner) + noise * np.eye(len(soon)) - between.T @ between, lower=True)
            first = solve_triangular(self._lower, across, lower=True)
            second = solve_triangular(corner, covariance(soon, at, self.owner) - between.T @ first, lower=True)
            variance = 1 - (first**2).sum(axis=0) - (second**2).sum(axis=0)
        else:
            first = solve_triangular(self._lower, across, lower=True)
            variance = 1 - (first**2).sum(axis=0)
        return mean, np.sqrt(np.maximum(variance, 1e-10))

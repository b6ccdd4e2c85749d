"""How much does one result tell of another? The less, the farther they are apart: how far that is, is fitted."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

Array = NDArray[np.float64]
Owner = NDArray[np.intp]

ROOT5 = 5**0.5
JITTER = 1e-6
ALONE, STEEP = 0.5, 3.0  # share of what unordered values add each by itself, and how soon two that differ tell nothing
WEIGHT, NOISE = np.exp(1.5), 0.1  # of all hyperparameters together, and of a result: what is assumed before any
SPREAD_UNORDERED, SPREAD, SPREAD_NOISE = 1.25, 2.0, 1.0  # of unordered values, of others, of noise: of logarithms
DRAWN = 0.5  # of these deviations, where what is assumed is drawn
BOUNDS = ((-8.0, 5.0), (-9.0, 1.0))
STEPS = 30


@dataclass(frozen=True)
class Covariance:
    """Matern 5/2 of a weighted sum of squared differences, and what unordered values add each by itself.

    `log_weights` are one a hyperparameter, `log_noise` is the variance of a result. A share of the covariance, the
    larger the more of the hyperparameters are unordered (the first `unordered` ones), is a sum over these, so that
    few results already tell good values from bad.
    """

    owner: Owner
    unordered: int
    log_weights: Array
    log_noise: float

    def between(self, ones: Array, others: Array) -> Array:
        """Return the covariances [ones, others] of features."""
        squared = 5 * _squared(ones * self._scale, others * self._scale)
        r = np.sqrt(squared)
        together: Array = squared / 3
        together += r
        together += 1
        together *= np.exp(np.negative(r, out=r), out=r)
        if self.unordered:
            apart = _squared(ones * self._alone, others * self._alone)
            together *= 1 - self.share
            together += self.share
            together -= apart * (self.share / self.unordered)
        return together

    def among(self, features: Array) -> Array:
        """Return the covariances of results at `features`, their noise included."""
        noise: Array = (np.exp(self.log_noise) + JITTER) * np.eye(len(features))
        return self.between(features, features) + noise

    @property
    def share(self) -> float:
        """The share of what unordered values add each by itself."""
        return ALONE * self.unordered / len(self.log_weights)

    @cached_property
    def _scale(self) -> Array:
        return np.asarray(np.exp(0.5 * self.log_weights)[self.owner])

    @cached_property
    def _alone(self) -> Array:
        fading = np.sqrt(1 - np.exp(-STEEP * np.exp(self.log_weights[: self.unordered])))
        return np.append(fading, np.zeros(len(self.log_weights) - self.unordered))[self.owner]


def fitted(
    features: Array,
    owner: Owner,
    unordered: int,
    values: Array,
    begin: Covariance | None = None,
    rng: RandomState | None = None,
) -> Covariance:
    """Return the most probable covariance of a process through `values`, sought from `begin` on.

    What is assumed before is log-normal: weights about WEIGHT over their number, noise about NOISE. With `rng` what is
    assumed is drawn, too: fits then differ in what few values leave open (as samples by randomize-then-optimize do,
    Bardsley et al. 2014). By L-BFGS with exact gradients.
    """
    owners, count = int(owner.max()) + 1, len(values)
    mean = np.append(np.full(owners, np.log(WEIGHT / owners)), np.log(NOISE))
    spread = np.append(np.full(owners, SPREAD), SPREAD_NOISE)
    spread[:unordered] = SPREAD_UNORDERED
    mean += DRAWN * spread * rng.randn(len(mean)) if rng else 0
    apart = np.stack([_squared(features[:, owner == each], features[:, owner == each]) for each in range(owners)])
    apart = apart.reshape(owners, -1)
    share = ALONE * unordered / owners

    def loss(theta: Array) -> tuple[float, Array]:
        weights, noise = np.exp(theta[:-1]), np.exp(theta[-1])
        r = ROOT5 * np.sqrt(np.maximum(weights @ apart, 1e-12))
        gone = np.exp(-r)
        faded = np.exp(-STEEP * weights[:unordered])
        kernel = (1 - share) * (1 + r + r * r / 3) * gone
        slope = -(1 - share) * (5 / 6) * (1 + r) * gone
        if unordered:
            kernel += share * (1 - (1 - faded) @ apart[:unordered] / unordered)
        matrix = kernel.reshape(count, count) + (noise + JITTER) * np.eye(count)
        factor = cho_factor(matrix, lower=True)
        solved, inverse = cho_solve(factor, values), cho_solve(factor, np.eye(count))
        inner = (np.outer(solved, solved) - inverse).ravel()
        gradient = apart @ (slope * inner)
        gradient[:unordered] -= share / max(1, unordered) * STEEP * faded * (apart[:unordered] @ inner)
        distance = (theta - mean) / spread
        slopes = np.append(-0.5 * weights * gradient, -0.5 * noise * inner[:: count + 1].sum())
        value = 0.5 * values @ solved + np.log(np.diag(factor[0])).sum() + 0.5 * distance @ distance
        return float(value), slopes + distance / spread

    first = mean if begin is None else np.append(begin.log_weights, begin.log_noise)
    bounds = [BOUNDS[0]] * owners + [BOUNDS[1]]
    found = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS}).x
    return Covariance(owner, unordered, found[:-1], float(found[-1]))


def _squared(ones: Array, others: Array) -> Array:
    """Return the squared distances [ones, others]."""
    found: Array = ones @ (-2 * others.T)
    found += (ones**2).sum(axis=1)[:, None]
    found += (others**2).sum(axis=1)
    return np.asarray(np.maximum(found, 0, out=found))

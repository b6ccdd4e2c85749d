"""How much does one result tell of another? The less, the farther they are apart: how far that is, is fitted."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from nas.strategies.processes.layout import Layout

Array = NDArray[np.float64]

ROOT5 = 5**0.5
JITTER = 1e-6
ALONE = 0.5  # share of what unordered values tell each by itself, or with few others, in place of all together
LEAST, STEEP = 0.6, 3.0  # which part of that is left where one differs, at least, and how soon it is
WEIGHT, NOISE = np.exp(1.5), 0.1  # of all hyperparameters together, and of a result: what is assumed before any
SPREAD_UNORDERED, SPREAD, SPREAD_NOISE = 1.25, 2.0, 1.0  # of unordered values, of others, of noise: of logarithms
DRAWN = 0.5  # of these deviations, where what is assumed is drawn
BOUNDS = ((-8.0, 5.0), (-9.0, 1.0))
STEPS = 30


@dataclass(frozen=True)
class Covariance:
    """Matern 5/2 of a weighted sum of squared differences, and what unordered values and counts add to it.

    `log_weights` are one a hyperparameter, `log_noise` is the variance of a result. Where choices are counted, half is
    of the counts alone. A share, the larger the more of the hyperparameters are unordered, falls but little with each
    that differs, so that few results already tell good values from bad: it is what values add by themselves, in pairs
    and so on (the ANOVA kernel, Stitson et al. 1999).
    """

    layout: Layout
    log_weights: Array
    log_noise: float

    def between(self, ones: Array, others: Array) -> Array:
        """Return the covariances [ones, others] of features."""
        found = _matern(_squared(ones * self._scale, others * self._scale))
        if self.layout.counts:
            found += _matern(_squared(ones * self._counting, others * self._counting))
            found *= 0.5
        if self.layout.unordered:
            found *= 1 - self.share
            found += self.share * np.exp(-_squared(ones * self._fading, others * self._fading))
        return found

    def among(self, features: Array) -> Array:
        """Return the covariances of results at `features`, their noise included."""
        noise: Array = (np.exp(self.log_noise) + JITTER) * np.eye(len(features))
        return self.between(features, features) + noise

    @property
    def share(self) -> float:
        """The share of what unordered values tell each by itself, or with few others."""
        return _share(self.layout)

    @cached_property
    def _scale(self) -> Array:
        return self._of_features(np.exp(0.5 * self.log_weights), slice(None))

    @cached_property
    def _counting(self) -> Array:
        return self._of_features(np.exp(0.5 * self.log_weights), self.layout.counted)

    @cached_property
    def _fading(self) -> Array:
        return self._of_features(np.sqrt(-np.log(_left(np.exp(self.log_weights)))), slice(self.layout.unordered))

    def _of_features(self, scales: Array, kept: slice) -> Array:
        """Return what each feature is multiplied by: the scale of its hyperparameter, 0 unless that is `kept`."""
        found = np.zeros(self.layout.size)
        found[kept] = scales[kept]
        return np.asarray(found[self.layout.owner])


def fitted(
    features: Array, layout: Layout, values: Array, begin: Covariance | None = None, rng: RandomState | None = None
) -> Covariance:
    """Return the most probable covariance of a process through `values`, sought from `begin` on.

    What is assumed before is log-normal: weights about WEIGHT over their number, noise about NOISE. With `rng` what is
    assumed is drawn, too: fits then differ in what few values leave open (as samples by randomize-then-optimize do,
    Bardsley et al. 2014). By L-BFGS with exact gradients.
    """
    mean = np.append(np.full(layout.size, np.log(WEIGHT / layout.size)), np.log(NOISE))
    spread = np.append(np.full(layout.size, SPREAD), SPREAD_NOISE)
    spread[: layout.unordered] = SPREAD_UNORDERED
    mean += DRAWN * spread * rng.randn(len(mean)) if rng else 0
    of_each = [features[:, layout.owner == each] for each in range(layout.size)]
    apart = np.stack([_squared(own, own).ravel() for own in of_each])

    def loss(theta: Array) -> tuple[float, Array]:
        weights, noise = np.exp(theta[:-1]), np.exp(theta[-1])
        kernel, slopes_of = _sloped(weights, apart, layout)
        matrix = kernel.reshape(len(values), -1) + (noise + JITTER) * np.eye(len(values))
        factor = cho_factor(matrix, lower=True)
        solved, inverse = cho_solve(factor, values), cho_solve(factor, np.eye(len(values)))
        inner = np.outer(solved, solved) - inverse
        distance = (theta - mean) / spread
        slopes = -0.5 * np.append(weights * slopes_of(inner.ravel()), noise * np.trace(inner))
        value = 0.5 * values @ solved + np.log(np.diag(factor[0])).sum() + 0.5 * distance @ distance
        return float(value), slopes + distance / spread

    first = mean if begin is None else np.append(begin.log_weights, begin.log_noise)
    bounds = [BOUNDS[0]] * layout.size + [BOUNDS[1]]
    found = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS}).x
    return Covariance(layout, found[:-1], float(found[-1]))


def _sloped(weights: Array, apart: Array, layout: Layout) -> tuple[Array, Callable[[Array], Array]]:
    """Return the covariances [pairs] where the distances are `apart` [hyperparameters, pairs], and their gradient.

    That is a function: of what a loss says of each pair, it makes what that says of each weight.
    """
    share, counted, unordered = _share(layout), layout.counted, slice(layout.unordered)
    part = (1 - share) * (0.5 if layout.counts else 1)
    squared = weights @ apart
    kernel, slope = part * _matern(squared), part * _slope(squared)
    if layout.counts:
        squared = weights[counted] @ apart[counted]
        kernel, slope_counted = kernel + part * _matern(squared), part * _slope(squared)
    if layout.unordered:
        alone = share * np.exp(np.log(_left(weights[unordered])) @ apart[unordered])
        kernel += alone

    def slopes_of(inner: Array) -> Array:
        found: Array = apart @ (slope * inner)
        if layout.counts:
            found[counted] += apart[counted] @ (slope_counted * inner)
        if layout.unordered:
            left = _left(weights[unordered])
            found[unordered] -= STEEP * (left - LEAST) / left * (apart[unordered] @ (alone * inner))
        return found

    return kernel, slopes_of


def _share(layout: Layout) -> float:
    return ALONE * layout.unordered / layout.size


def _left(weights: Array) -> Array:
    """Return which part is left where one of these hyperparameters differs."""
    return LEAST + (1 - LEAST) * np.exp(-STEEP * weights)


def _matern(squared: Array) -> Array:
    """Return Matern 5/2 of squared distances."""
    r = ROOT5 * np.sqrt(squared)
    found: Array = r * r / 3
    found += r
    found += 1
    found *= np.exp(np.negative(r, out=r), out=r)
    return found


def _slope(squared: Array) -> Array:
    """Return the derivative of that."""
    r = ROOT5 * np.sqrt(squared)
    return np.asarray(-(5 / 6) * (1 + r) * np.exp(-r))


def _squared(ones: Array, others: Array) -> Array:
    """Return the squared distances [ones, others]."""
    found: Array = ones @ (-2 * others.T)
    found += (ones**2).sum(axis=1)[:, None]
    found += (others**2).sum(axis=1)
    return np.asarray(np.maximum(found, 0, out=found))

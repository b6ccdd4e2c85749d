"""Which configuration is best by all components together, and which may be better than that?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]
_ROOT = np.sqrt(2 * np.pi)
_NEGLIGIBLE = 1e-3  # weight of a component
_CONTENDERS = 30  # configurations whose place is worked out exactly


@dataclass(frozen=True)
class Components:
    """What each component expects of some cells: Gaussian, with the covariance that all share and its own basis."""

    means: Floats  # [components, cells]
    basis: Floats  # [components, cells, 2]: what shift and stretch do
    spread: Floats  # [components, 2, 2]: the covariance of shift and stretch
    scale: Floats  # [components]: factors of all variances
    shared: Floats  # [all cells, all cells]
    cells: NDArray[np.intp]

    @property
    def variances(self) -> Floats:
        """Of each cell: [components, cells]."""
        own = np.einsum("cna,cab,cnb->cn", self.basis, self.spread, self.basis, optimize=True)
        found: Floats = np.maximum(self.shared[self.cells, self.cells] + own, 1e-12) * self.scale[:, None]
        return found

    def apart(self, some: NDArray[np.intp]) -> Floats:
        """Return the variance of the difference of `some` cells and all: [components, some, cells]."""
        left = self.basis[:, some] @ self.spread
        between = self.shared[np.ix_(self.cells[some], self.cells)] + left @ self.basis.transpose(0, 2, 1)
        variances = self.variances
        found = variances[:, None] + variances[:, some][:, :, None] - 2 * between * self.scale[:, None, None]
        return np.maximum(found, 1e-10)

    def likely(self, weights: Floats) -> tuple["Components", Floats]:
        """Return the components whose weight counts, and their weights, in all 1."""
        kept = weights > _NEGLIGIBLE
        some = Components(
            self.means[kept], self.basis[kept], self.spread[kept], self.scale[kept], self.shared, self.cells
        )
        return some, weights[kept] / weights[kept].sum()


def improvement(components: Components, weights: Floats, chance: Floats | None = None) -> Floats:
    """Return by how much each cell is expected to exceed the best mean (Jones et al. 1998): [cells].

    With `chance` it counts as often as the constraints are met; where that is likely nowhere, `chance` alone counts.
    """
    some, weights = components.likely(weights)
    mean = weights @ some.means
    likely = np.ones(len(mean), bool) if chance is None else chance >= 0.5
    if not likely.any():
        return np.zeros(len(mean)) if chance is None else chance
    deviation = np.sqrt(some.variances)
    distance = (some.means - mean[likely].max()) / deviation
    found: Floats = weights @ (deviation * _hope(distance))
    return found if chance is None else found * chance


def challenge(components: Components, weights: Floats, leader: int) -> Floats:
    """Return by how much each cell is expected to exceed the cell `leader`, whatever that turns out to be: [cells]."""
    some, weights = components.likely(weights)
    deviation = np.sqrt(some.apart(np.array([leader]))[:, 0])
    distance = (some.means - some.means[:, [leader]]) / deviation
    found: Floats = weights @ (deviation * _hope(distance))
    return found


def expected_places(components: Components, weights: Floats) -> Floats:
    """Return the place that each cell is expected to have among all, 0 being the best: [cells].

    That is the sum over all others of the probability that they are better. It is worked out for the best by their
    means; those behind them follow in the order of theirs.
    """
    some, weights = components.likely(weights)
    rough = weights @ (-some.means).argsort(axis=1).argsort(axis=1)
    order = np.argsort(rough, kind="stable")
    first = order[:_CONTENDERS]
    better = (some.means[:, None] - some.means[:, first][:, :, None]) / np.sqrt(some.apart(first))
    places = rough + len(rough)
    places[first] = weights @ ndtr(better).sum(axis=2)
    return places


def _hope(distance: Floats) -> Floats:
    """Return the expected excess over 0 of a normal variable of mean `distance` and deviation 1."""
    found: Floats = distance * ndtr(distance) + np.exp(-0.5 * distance**2) / _ROOT
    return found

"""Which old task is the new one like, and how does it differ? A mixture of old tasks, each with a Gaussian process.

The new task is one of the old ones, shifted and stretched, plus a difference whose covariance is that between old
tasks; all on the scale of log odds. What is seen updates every component in closed form.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import norm

from nas.transfer import choosing
from nas.transfer.belief import NONE_OF_THEM, Forecast
from nas.transfer.past import Past
from nas.transfer.prior import Prior

Floats = NDArray[np.float64]
_COMPARED = 3  # one in so many steps compares the recommended with its strongest challenger
_PATIENCE = 10  # results, after which half of the weights are what results say, not what was assumed


@dataclass(frozen=True)
class Mixture:
    """What is believed after some cells of the new task were seen; `prior` is what old tasks say.

    Columns of `told` are right-hand sides of one Gaussian process: what was seen, ones, and the centred surface of each
    component. Their innovations are whitened rows of a regression, in which each component finds its shift and stretch.
    """

    prior: Prior
    covariance: Floats | None = None  # of the difference at all cells, given what was seen: [cells, cells]
    told: Floats | None = None  # what is expected of each right-hand side: [columns, cells]
    rows: tuple[Floats, ...] = ()  # whitened innovations: [columns] each
    reached: tuple[int, ...] = ()  # knots of each candidate that were seen

    @classmethod
    def of(cls, past: Past) -> "Mixture":
        """Return what `past` says before anything is seen."""
        return cls(Prior(past), reached=(0,) * len(past.features))

    @property
    def past(self) -> Past:
        """What it was learned from."""
        return self.prior.past

    def tell(self, candidate: int, knot: int, value: float) -> "Mixture":
        """Return the belief of who has seen that best value of `candidate` until the `knot`, counted from 0."""
        prior = self.prior
        covariance = prior.covariance if self.covariance is None else self.covariance
        told = np.zeros_like(prior.columns) if self.told is None else self.told
        cell = candidate * len(prior.past.knots) + knot
        seen = prior.columns[:, cell].copy()
        seen[0] = prior.scale.to(np.array(value))
        variance = covariance[cell, cell] + prior.noise
        gain = covariance[:, cell] / variance
        off = seen - told[:, cell]
        reached = list(self.reached)
        reached[candidate] = max(reached[candidate], knot + 1)
        return replace(
            self, covariance=covariance - np.outer(gain, covariance[cell]), told=told + np.outer(off, gain),
            rows=(*self.rows, off / np.sqrt(variance)), reached=tuple(reached),
        )  # fmt: skip

    def next(self, chance: Floats | None = None, barred: Collection[int] = ()) -> int | None:
        """Return the candidate whose next knot is to be seen: that of the largest expected improvement.

        Every third time the recommended one or its strongest challenger, whichever is less known: what is recommended
        must have been compared.
        """
        open_ = np.array(self.reached) < len(self.past.knots)
        open_[[*barred]] = False
        if not open_.any():
            return None
        if len(self.rows) % _COMPARED == _COMPARED - 1:
            leader = self.best(chance)
            worth = choosing.challenge(self._components, self._weights, leader) * (1 if chance is None else chance)
            worth[leader] = -np.inf
            pair = [place for place in (int(np.argmax(worth)), leader) if open_[place]]
            if pair:
                return min(pair, key=lambda place: self.reached[place])
        worth = choosing.improvement(self._components, self._weights, chance)
        return int(np.argmax(np.where(open_, worth, -np.inf)))

    def best(self, chance: Floats | None = None) -> int:
        """Return the candidate of the best expected place among all: before anything is seen, by its mean place."""
        places = self._places
        if chance is not None:
            likely = chance >= min(0.5, chance.max())
            places = np.where(likely, places, np.inf)
        return int(np.argmin(places))

    def forecast(self) -> Forecast:
        """Return what is expected of all candidates."""
        components, weights = self._everywhere, self._weights
        mean = weights @ components.means
        variance = weights @ (components.variances + (components.means - mean) ** 2)
        width = norm.ppf(0.95) * np.sqrt(variance)
        shape = (len(self.reached), len(self.past.knots))
        back = self.prior.scale.back
        edges = [back((mean + sign * width).reshape(shape)) for sign in (-1, 1)]
        return Forecast(back(mean.reshape(shape)), np.minimum(*edges), np.maximum(*edges))

    def likeness(self) -> dict[str, float]:
        """Return how probable it is that the new task is like each of the old ones, or like none: in all 1."""
        *tasks, everyone, none = self._weights
        share = everyone / max(1, len(tasks))
        return {name: float(w + share) for name, w in zip(self.past.tasks, tasks, strict=True)} | {
            NONE_OF_THEM: float(none if tasks else none + everyone)
        }

    @cached_property
    def _places(self) -> Floats:
        """The expected place of each candidate at the last knot: [candidates]."""
        if not self.rows and len(self.past.tasks):
            return self.prior.mean_places
        return choosing.expected_places(self._components, self._weights)

    @cached_property
    def _regression(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Of each component the inverse precision of shift and stretch, their means, the scale and the log weight."""
        prior, shares = self.prior, self.prior.shares
        rows = np.array(self.rows).reshape(len(self.rows), len(prior.columns))
        basis = np.stack([np.broadcast_to(rows[:, 1:2], rows[:, 2:].shape), rows[:, 2:]], axis=2)  # [seen, comp, 2]
        rest = rows[:, :1] - prior.middle * rows[:, 1:2] - rows[:, 2:]
        precision = np.einsum("nca,ncb->cab", basis, basis) + np.diag([shares.shift**-2, shares.stretch**-2])
        spread = np.linalg.inv(precision)
        found = np.einsum("cab,ncb,nc->ca", spread, basis, rest, optimize=True)
        squares = np.maximum((rest**2).sum(0) - np.einsum("ca,cab,cb->c", found, precision, found), 0)
        freedom = shares.freedom + len(rows)
        logs = -np.linalg.slogdet(precision)[1] / 2 - freedom / 2 * np.log1p(squares / shares.freedom)
        return spread, found, (shares.freedom + squares) / freedom, logs

    @cached_property
    def _weights(self) -> Floats:
        """The probability of each component; while results are few, part of it is what was assumed."""
        logs = self._regression[3] + np.log(self.prior.assumed)
        by_results: Floats = np.exp(logs - logsumexp(logs))
        patience = _PATIENCE / (_PATIENCE + len(self.rows))
        return (1 - patience) * by_results + patience * self.prior.assumed

    @cached_property
    def _components(self) -> choosing.Components:
        """What each component expects of all candidates at the last knot."""
        knots = len(self.past.knots)
        return self._at(np.arange(len(self.reached)) * knots + knots - 1)

    @property
    def _everywhere(self) -> choosing.Components:
        return self._at(np.arange(self.prior.columns.shape[1]))

    def _at(self, cells: NDArray[np.intp]) -> choosing.Components:
        prior = self.prior
        covariance = prior.covariance if self.covariance is None else self.covariance
        told = (0 if self.told is None else self.told[:, cells]) + np.zeros((len(prior.columns), len(cells)))
        spread, found, scale, _ = self._regression
        ones, surfaces = prior.columns[1, cells] - told[1], prior.columns[2:, cells] - told[2:]
        basis = np.stack([np.broadcast_to(ones, surfaces.shape), surfaces], axis=2)
        means = told[0] + prior.middle[:, None] * ones + surfaces + np.einsum("cna,ca->cn", basis, found)
        return choosing.Components(means, basis, spread, scale, covariance, cells)

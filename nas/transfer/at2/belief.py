"""What does AT2 believe of a new task, where does it train on, and what does it recommend?

As published: kernels and acquisition; the distance to old tasks is found again after every value. Otherwise than there:
the posterior is exact, not of inducing points; parameters are learned on the old tasks alone; the new task's mean is
the most likely one; and values are the best so far at the knots of `past`, so that one more epoch is one more knot.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from nas.transfer.at2.kernels import Floats, distances
from nas.transfer.at2.learning import Learned, learned
from nas.transfer.at2.prior import Old, Prior, old_of, whitened
from nas.transfer.belief import NONE_OF_THEM, Forecast
from nas.transfer.past import Past

_OPTIMISM = 0.25  # standard deviations above the mean that the next cell is chosen by
_NORMAL = 1.6449  # quantile 0.95


@dataclass(frozen=True)
class AT2:
    """The model with what was `seen` [N, K] of the new task, nan where nothing was; in `values` more is better."""

    past: Past
    values: Floats
    learned: Learned
    old: Old
    seen: Floats

    @classmethod
    def of(cls, past: Past) -> AT2:
        """Return what is believed before anything is seen: kernels learned from the old tasks, if there are any."""
        values = past.values if past.maximize else -past.values
        found = learned(past, values)
        return cls(past, values, found, old_of(values, found), np.full(values.shape[1:], np.nan))

    def tell(self, candidate: int, knot: int, value: float) -> AT2:
        """Return the belief of who has seen that best value of `candidate` until the `knot`, counted from 0."""
        seen = self.seen.copy()
        seen[candidate, knot] = value if self.past.maximize else -value
        return replace(self, seen=seen)

    def next(self, chance: Floats | None = None, barred: Collection[int] = ()) -> int | None:
        """Return whose cell promises most of those that are still to come, by an upper confidence bound.

        None: every candidate that is not barred is trained to its end. `chance` is as for `best`.
        """
        known = ~np.isnan(self.seen)
        to_come = np.cumsum(known[:, ::-1], axis=1)[:, ::-1] == 0
        to_come[[*barred]] = False
        if not to_come.any():
            return None
        mean, variance = self.posterior
        bound = np.where(to_come, mean + _OPTIMISM * np.sqrt(variance), -np.inf)
        return _likely(bound.max(axis=1), chance)

    def best(self, chance: Floats | None = None) -> int:
        """Return the candidate with the highest mean at any knot.

        `chance` [N] is the probability that each meets the constraints: what likely does comes first.
        """
        return _likely(self.posterior[0].max(axis=1), chance)

    def forecast(self) -> Forecast:
        """Return what is expected of all candidates."""
        mean, variance = self.posterior
        half, sign = _NORMAL * np.sqrt(variance + self.learned.noise), 1 if self.past.maximize else -1
        return Forecast(sign * mean, sign * mean - half, sign * mean + half)

    def likeness(self) -> dict[str, float]:
        """Return each old task's share of the kernel's similarities, and of what the nearest lacks to the same task."""
        tasks = self.tasks
        alike = np.append(tasks[:-1, -1], tasks[-1, -1] - tasks[:-1, -1].max(initial=0.0))
        shares = alike / alike.sum()
        return dict(zip((*self.past.tasks, NONE_OF_THEM), shares.tolist(), strict=True))

    @cached_property
    def tasks(self) -> Floats:
        """The kernel of all tasks, the new one the last, [T + 1, T + 1]: the nearest of a covariance.

        Distances over different cells need not fit together; eigenvalues below 0 are left out.
        """
        known, own = (self.learned.apart, self.learned.shared), distances(self.values, self.seen[None])
        apart, shared = (
            torch.from_numpy(np.block([[k, o], [o.T, np.zeros((1, 1))]])) for k, o in zip(known, own, strict=True)
        )
        with torch.no_grad():
            powers, vectors = np.linalg.eigh(self.learned.kernels.tasks(apart, shared).numpy())
        return np.asarray(vectors * np.maximum(powers, 0) @ vectors.T)

    @cached_property
    def posterior(self) -> tuple[Floats, Floats]:
        """Mean and variance of the new task's cells, [N, K] each, without the noise of a value."""
        prior = self.old.given(self.tasks)
        configs, knots = np.nonzero(~np.isnan(self.seen))
        if not len(configs):
            return prior.mean + _mean_of(self.learned.means), prior.variance
        return _conditioned(prior, configs, knots, self.seen[configs, knots], self.learned.noise)


def _mean_of(means: Floats) -> float:
    return float(means.mean()) if len(means) else 0.0


def _conditioned(
    prior: Prior, configs: NDArray[np.int64], knots: NDArray[np.int64], values: Floats, noise: float
) -> tuple[Floats, Floats]:
    """Return mean and variance given `values` of some cells, the new task's own mean being the most likely one."""
    cross = prior.covariance(configs, knots)
    factor = np.asarray(np.linalg.cholesky(cross[:, configs, knots] + noise * np.eye(len(values))), dtype=np.float64)
    ones, residual = whitened(factor, np.ones_like(values)), whitened(factor, values - prior.mean[configs, knots])
    own = float(ones @ residual / (ones @ ones))
    white = whitened(factor, cross)
    mean = prior.mean + own + np.tensordot(residual - own * ones, white, 1)
    return mean, np.maximum(prior.variance - np.square(white).sum(axis=0), 0)


def _likely(scores: Floats, chance: Floats | None) -> int:
    """Return whose score is highest, of those that more likely than not meet the constraints, if there are any."""
    if chance is None:
        return int(scores.argmax())
    allowed = chance >= min(0.5, float(chance[np.isfinite(scores)].max()))
    return int(np.where(allowed, scores, -np.inf).argmax())

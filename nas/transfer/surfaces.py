"""What would earlier tasks have shown where nobody looked? Surfaces over configuration and knot, without holes."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky
from scipy.special import ndtri
from scipy.stats import rankdata

from nas.transfer import kernel
from nas.transfer.kernel import Kernel

Floats = NDArray[np.float64]
_ALONG = 1.5  # e-folds of epochs over which a curve forgets where it was
_ROUNDS = 50  # of alternating means
_MOST_CELLS = 800  # of a task, from which its holes are filled


@dataclass(frozen=True)
class Surfaces:
    """Of each task its values, and how far what was filled in may be off."""

    values: Floats  # [tasks, configurations, knots]
    doubt: Floats | None  # its mean covariance [cells, cells], a configuration's knots side by side; None: no holes
    features: Floats
    known: Kernel | None = None  # of the configurations, where it was learned before

    @cached_property
    def alike(self) -> Floats:
        """How alike two configurations are, from 0 to 1: [configurations, configurations]."""
        found = self.known or kernel.learned(self.features, self.scores[:, :, -1])
        return found.between(self.features, self.features)

    @property
    def untaught(self) -> "Surfaces":
        """The same by a kernel that has learned nothing, which takes no time."""
        return replace(self, known=self.known or Kernel.plain(self.features.shape[1]))

    @cached_property
    def scores(self) -> Floats:
        """The normal scores of all configurations at each knot: [tasks, configurations, knots]."""
        return _scores(self.values.swapaxes(1, 2)).swapaxes(1, 2)

    def barycentre(self, chosen: list[int]) -> Floats:
        """Return the surface of mean places of the `chosen` tasks, as good as such places are on average.

        [configurations, knots].
        """
        places, sorted_ = self.scores[chosen].mean(axis=0), np.sort(self.values[chosen], axis=1).mean(axis=0)
        many = len(places)
        levels, targets = ndtri((np.arange(1, many + 1) - 0.5) / many), _scores(places.T)
        return np.stack([np.interp(target, levels, value) for target, value in zip(targets, sorted_.T, strict=True)], 1)


def complete(values: Floats, features: Floats, knots: tuple[int, ...]) -> Surfaces:
    """Return the surfaces of all tasks that know anything; what is nan in `values` is filled in.

    A hole is filled by a Gaussian process over configuration and logarithm of the epochs around the mean rise of
    the curves.
    """
    if not np.isnan(values).any():
        return Surfaces(values, None, features)
    level, rise = _effects(values)
    scored = kernel.learned(features, _scores(level))
    share = scored.alike / (scored.alike + scored.own)
    same = share * scored.between(features, features) + (1 - share) * np.eye(len(features))
    apart = np.abs(np.subtract.outer(np.log(knots), np.log(knots)))
    along = np.exp(-0.5 * (apart / _ALONG) ** 2)
    filled, doubt = np.empty_like(values), np.zeros(values.shape[1:])
    for place, task in enumerate(values):
        filled[place], variance = _filled(task, rise, same, along)
        doubt += variance / len(values)
    off = np.sqrt(doubt).ravel()  # alike configurations are off alike
    return Surfaces(filled, np.outer(off, off) * np.kron(same, along), features, scored)


def _scores(values: Floats) -> Floats:
    """Return the normal scores of the places of `values` along the last axis; nan where they are."""
    known = np.isfinite(values).sum(axis=-1, keepdims=True)
    found: Floats = ndtri((rankdata(values, axis=-1, nan_policy="omit") - 0.5) / np.maximum(known, 1))
    return found


def _effects(values: Floats) -> tuple[Floats, Floats]:
    """Return the level of each curve [tasks, configurations], nan where nothing is known, and the rise by knots.

    Each value is about the sum of the two (two-way analysis by alternating means). Only the good are trained on to
    late knots, so that the mean of what is known there says nothing of the rise.
    """
    known = ~np.isnan(values)
    given, rise = np.where(known, values, 0.0), np.zeros(values.shape[2])
    knots, looked_at = np.arange(len(rise)), known.any(axis=(0, 1))
    many, seen = np.maximum(known.sum(axis=2), 1), np.maximum(known.sum(axis=(0, 1)), 1)
    level = np.zeros(values.shape[:2])
    for _ in range(_ROUNDS):
        level = (given - known * rise).sum(axis=2) / many
        rise = (given - known * level[:, :, None]).sum(axis=(0, 1)) / seen
    rise = np.interp(knots, knots[looked_at], rise[looked_at]) if looked_at.any() else rise
    return np.where(known.any(axis=2), level, np.nan), rise


def _filled(task: Floats, rise: Floats, same: Floats, along: Floats) -> tuple[Floats, Floats]:
    """Return the surface of one task, and the variance of each cell: none where it was known."""
    where = np.flatnonzero(~np.isnan(task.ravel()))
    where = where[np.linspace(0, len(where) - 1, min(len(where), _MOST_CELLS)).astype(int)]
    config, knot = np.divmod(where, task.shape[1])
    given = task.ravel()[where] - rise[knot]
    level, spread = given.mean(), given.var() + 1e-6
    near = same[np.ix_(config, config)] * along[np.ix_(knot, knot)] + 0.01 * np.eye(len(where))
    factor = cholesky(near, lower=True)
    weights = cho_solve((factor, True), given - level)
    ours, theirs = same[:, config], along[:, knot]  # the process between a cell and a known one is their product
    mean = level + rise + np.einsum("nw,kw,w->nk", ours, theirs, weights, optimize=True)
    cells = (ours[:, None] * theirs[None]).reshape(-1, len(where))
    explained = np.einsum("cw,cw->c", cells, cho_solve((factor, True), cells.T).T).reshape(task.shape)
    known = ~np.isnan(task)
    return np.where(known, task, mean), np.where(known, 0.0, spread * np.maximum(1 - explained, 0))

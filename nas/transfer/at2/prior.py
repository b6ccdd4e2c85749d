"""What do the old tasks say of a new one? The Gaussian process of its curves, given theirs.

Both forms are exact for the values that they take: all of a complete table, or a part of one with holes.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from nas.transfer.at2.kernels import Floats
from nas.transfer.at2.learning import Learned, known_cells

_CELLS = 1500  # of a table with holes that are taken


class Prior(Protocol):
    """A Gaussian process over the cells [N, K] of the new task, its own mean 0."""

    @property
    def mean(self) -> Floats: ...

    @property
    def variance(self) -> Floats: ...

    def covariance(self, configs: NDArray[np.int64], knots: NDArray[np.int64]) -> Floats:
        """Return the covariances [M, N, K] of M cells with all."""


class Old(Protocol):
    """The old tasks' values; `tasks` [T + 1, T + 1] is the kernel of the tasks, the new one the last."""

    def given(self, tasks: Floats) -> Prior:
        """Return the prior of the new task."""


def old_of(values: Floats, learned: Learned) -> Old:
    """Return what the new task is conditioned on: `values` [T, N, K] of the old ones."""
    return Complete(values, learned) if np.isfinite(values).all() else Scattered(values, learned)


@dataclass(frozen=True)
class Complete:
    """A table [T, N, K] without holes: in the basis of the kernels' eigenvectors its cells are independent."""

    values: Floats
    learned: Learned

    @cached_property
    def basis(self) -> tuple[Floats, Floats, Floats]:
        """Eigenvectors of configurations [N, N] and of epochs [K, K], and the products of their eigenvalues [N, K]."""
        (n, v), (k, w) = np.linalg.eigh(self.learned.configs), np.linalg.eigh(self.learned.epochs)
        return v, w, np.maximum(n, 0)[:, None] * np.maximum(k, 0)

    @cached_property
    def rotated(self) -> Floats:
        v, w, _ = self.basis
        return np.asarray(v.T @ (self.values - self.learned.means[:, None, None]) @ w)

    def given(self, tasks: Floats) -> "Rotated":
        v, w, powers = self.basis
        t, u = np.linalg.eigh(tasks[:-1, :-1])
        own = u.T @ tasks[:-1, -1]
        weights = own[:, None, None] / (np.maximum(t, 0)[:, None, None] * powers + self.learned.noise)
        mean = (weights * np.tensordot(u.T, self.rotated, 1)).sum(axis=0) * powers
        spread = powers * (tasks[-1, -1] - powers * (weights * own[:, None, None]).sum(axis=0))
        return Rotated(v, w, v @ mean @ w.T, np.maximum(spread, 0))


@dataclass(frozen=True)
class Rotated:
    """`spread` [N, K] is the variance of each direction, of configurations `v` and of epochs `w`."""

    v: Floats
    w: Floats
    mean: Floats
    spread: Floats

    @cached_property
    def variance(self) -> Floats:
        return np.asarray(self.v**2 @ self.spread @ self.w.T**2)

    def covariance(self, configs: NDArray[np.int64], knots: NDArray[np.int64]) -> Floats:
        return np.asarray(self.v @ (self.v[configs][:, :, None] * self.spread * self.w[knots][:, None, :]) @ self.w.T)


@dataclass(frozen=True)
class Scattered:
    """A table with holes, of which so many known cells are taken as a dense matrix allows."""

    values: Floats
    learned: Learned

    def given(self, tasks: Floats) -> "Dense":
        t, n, k = known_cells(self.values, _CELLS)
        configs, epochs = self.learned.configs, self.learned.epochs
        covariance = tasks[np.ix_(t, t)] * configs[np.ix_(n, n)] * epochs[np.ix_(k, k)]
        factor = np.linalg.cholesky(covariance + self.learned.noise * np.eye(len(t)))
        cross = tasks[t, -1][:, None, None] * configs[n][:, :, None] * epochs[k][:, None, :]
        white, solved = whitened(factor, cross), whitened(factor, self.values[t, n, k] - self.learned.means[t])
        return Dense(configs, epochs, float(tasks[-1, -1]), white, np.tensordot(solved, white, 1))


@dataclass(frozen=True)
class Dense:
    """`white` [M, N, K] is what the cells that were taken explain of all."""

    configs: Floats
    epochs: Floats
    scale: float
    white: Floats
    mean: Floats

    @cached_property
    def variance(self) -> Floats:
        whole = self.scale * np.diag(self.configs)[:, None] * np.diag(self.epochs)
        return np.asarray(np.maximum(whole - np.square(self.white).sum(axis=0), 0))

    def covariance(self, configs: NDArray[np.int64], knots: NDArray[np.int64]) -> Floats:
        whole = self.scale * self.configs[configs][:, :, None] * self.epochs[knots][:, None, :]
        return np.asarray(whole - np.tensordot(self.white[:, configs, knots].T, self.white, 1))


def whitened(factor: Floats, values: Floats) -> Floats:
    """Return what a lower triangular `factor` [M, M] must be multiplied by for `values` [M, ...]."""
    columns = torch.from_numpy(values.reshape(len(values), -1))
    found = torch.linalg.solve_triangular(torch.from_numpy(factor), columns, upper=False)
    return np.asarray(found.numpy().reshape(values.shape))

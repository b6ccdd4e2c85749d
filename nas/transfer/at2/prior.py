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
from nas.transfer.at2.learning import Learned, grid_of, known_cells

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
    known = grid_of(values)
    return Scattered(values, learned) if known is None else Complete(values[:, known], known, learned)


@dataclass(frozen=True)
class Complete:
    """A table [T, M, K] without holes, of the configurations `known` [M]: in eigenvectors its cells are independent."""

    values: Floats
    known: NDArray[np.int64]
    learned: Learned

    @cached_property
    def _vectors(self) -> tuple[Floats, Floats, Floats]:
        """Eigenvectors of configurations [M, M] and epochs [K, K], and the products of their eigenvalues [M, K]."""
        configs, epochs = self.learned.configs[np.ix_(self.known, self.known)], self.learned.epochs
        (n, v), (k, w) = np.linalg.eigh(configs), np.linalg.eigh(epochs)
        return v, w, np.maximum(n, 0)[:, None] * np.maximum(k, 0)

    @cached_property
    def _rotated(self) -> Floats:
        """The values by eigenvectors."""
        v, w, _ = self._vectors
        return np.asarray(v.T @ (self.values - self.learned.means[:, None, None]) @ w)

    def given(self, tasks: Floats) -> "Explained":
        v, w, powers = self._vectors
        left, right = self.learned.configs[:, self.known] @ v, self.learned.epochs @ w
        t, u = np.linalg.eigh(tasks[:-1, :-1])
        own = (u.T @ tasks[:-1, -1])[:, None, None]
        weights = own / (np.maximum(t, 0)[:, None, None] * powers + self.learned.noise)
        mean = left @ (weights * np.tensordot(u.T, self._rotated, 1)).sum(axis=0) @ right.T
        return Explained(self.learned, float(tasks[-1, -1]), left, right, mean, (weights * own).sum(axis=0))


@dataclass(frozen=True)
class Explained:
    """`share` [M, K]: what old tasks explain of the variance by each pair of columns of `left` and `right`."""

    learned: Learned
    scale: float
    left: Floats
    right: Floats
    mean: Floats
    share: Floats

    @cached_property
    def variance(self) -> Floats:
        whole = self.scale * np.diag(self.learned.configs)[:, None] * np.diag(self.learned.epochs)
        return np.asarray(np.maximum(whole - self.left**2 @ self.share @ self.right.T**2, 0))

    def covariance(self, configs: NDArray[np.int64], knots: NDArray[np.int64]) -> Floats:
        whole = self.scale * self.learned.configs[configs][:, :, None] * self.learned.epochs[knots][:, None, :]
        explained = self.left[configs][:, :, None] * self.share * self.right[knots][:, None, :]
        return np.asarray(whole - self.left @ explained @ self.right.T)


@dataclass(frozen=True)
class Scattered:
    """A table with holes, of which so many known cells are taken as a dense matrix allows."""

    values: Floats
    learned: Learned

    def given(self, tasks: Floats) -> "Dense":
        t, n, k = known_cells(self.values, _CELLS)
        configs, epochs = self.learned.configs, self.learned.epochs
        covariance = tasks[np.ix_(t, t)] * configs[np.ix_(n, n)] * epochs[np.ix_(k, k)]
        factor = np.asarray(np.linalg.cholesky(covariance + self.learned.noise * np.eye(len(t))), dtype=np.float64)
        cross = tasks[t, -1][:, None, None] * configs[n][:, :, None] * epochs[k][:, None, :]
        white, solved = whitened(factor, cross), whitened(factor, self.values[t, n, k] - self.learned.means[t])
        return Dense(self.learned, float(tasks[-1, -1]), white, np.tensordot(solved, white, 1))


@dataclass(frozen=True)
class Dense:
    """`white` [M, N, K] is what the cells that were taken explain of all."""

    learned: Learned
    scale: float
    white: Floats
    mean: Floats

    @cached_property
    def variance(self) -> Floats:
        whole = self.scale * np.diag(self.learned.configs)[:, None] * np.diag(self.learned.epochs)
        return np.asarray(np.maximum(whole - np.square(self.white).sum(axis=0), 0))

    def covariance(self, configs: NDArray[np.int64], knots: NDArray[np.int64]) -> Floats:
        whole = self.scale * self.learned.configs[configs][:, :, None] * self.learned.epochs[knots][:, None, :]
        return np.asarray(whole - np.tensordot(self.white[:, configs, knots].T, self.white, 1))


def whitened(factor: Floats, values: Floats) -> Floats:
    """Return what a lower triangular `factor` [M, M] must be multiplied by for `values` [M, ...]."""
    columns = torch.from_numpy(values.reshape(len(values), -1))
    found = torch.linalg.solve_triangular(torch.from_numpy(factor), columns, upper=False)
    return np.asarray(found.numpy().reshape(values.shape))

"""What do the old tasks teach the kernels? The marginal likelihood of their curves, by gradients.

A table without holes is a grid of tasks x configurations x epochs, so that the likelihood needs three small eigenvalue
problems and no approximation. Where cells are missing, some evenly chosen ones are learned from.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.transfer.at2.kernels import Floats, Kernels, distances
from nas.transfer.past import Past

_STEPS, _RATE = 200, 0.05
_KNOTS = 8  # of the grid that are learned from
_CELLS = 500  # of a table with holes that are learned from


@dataclass(frozen=True)
class Learned:
    """The kernels with what they give for the old tasks: `configs` [N, N], `epochs` [K, K], a mean a task [T].

    `apart` and `shared` [T, T] are the distances of old tasks and their portions of common cells.
    """

    kernels: Kernels
    apart: Floats
    shared: Floats
    configs: Floats
    epochs: Floats
    means: Floats
    noise: float


def learned(past: Past, values: Floats) -> Learned:
    """Return the kernels and means that make `values` [T, N, K] of the old tasks most likely; no chance is in it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        kernels = Kernels(past.features.shape[1])
    features = torch.from_numpy(past.features)
    times = torch.tensor(past.knots, dtype=torch.float64) / past.knots[-1]
    means, between = torch.from_numpy(_means(values)), distances(values, values)
    if len(values):
        _fit(kernels, means, _loss(values, features, times, *map(torch.from_numpy, between)))
    with torch.no_grad():
        return Learned(
            kernels, *between, kernels.configs(features).numpy(), kernels.epochs(times).numpy(), means.detach().numpy(),
            float(kernels.noise),
        )  # fmt: skip


def _means(values: Floats) -> Floats:
    return np.array([np.nanmean(each) if np.isfinite(each).any() else 0.0 for each in values])


def _fit(kernels: Kernels, means: Tensor, loss: Callable[[Kernels, Tensor], Tensor]) -> None:
    means.requires_grad_()
    optimizer = torch.optim.Adam([*kernels.parameters(), means], lr=_RATE)
    for _ in range(_STEPS):
        optimizer.zero_grad()
        loss(kernels, means).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _loss(
    known: Floats, features: Tensor, times: Tensor, apart: Tensor, shared: Tensor
) -> Callable[[Kernels, Tensor], Tensor]:
    """Return what is minimised: a function whose gradient is that of the negative log likelihood of a cell."""
    if (there := grid_of(known)) is not None:
        knots = torch.from_numpy(np.unique(np.linspace(0, len(times) - 1, min(_KNOTS, len(times))).round().astype(int)))
        values, own = torch.from_numpy(known[:, there])[:, :, knots], features[torch.from_numpy(there)]
        return lambda kernels, means: _grid_loss(
            values - means[:, None, None],
            kernels.tasks(apart, shared), kernels.configs(own), kernels.epochs(times[knots]), kernels.noise,
        )  # fmt: skip
    tasks, configs, knots = map(torch.from_numpy, known_cells(known, _CELLS))
    values = torch.from_numpy(known)[tasks, configs, knots]

    def loss(kernels: Kernels, means: Tensor) -> Tensor:
        covariance = (
            kernels.tasks(apart, shared)[tasks][:, tasks]
            * kernels.configs(features)[configs][:, configs]
            * kernels.epochs(times)[knots][:, knots]
        )
        factor = torch.linalg.cholesky(covariance + kernels.noise * torch.eye(len(values), dtype=torch.float64))
        white = torch.linalg.solve_triangular(factor, (values - means[tasks])[:, None], upper=False)
        return torch.add(0.5 * white.square().sum(), factor.diagonal().log().sum()) / len(values)

    return loss


def grid_of(values: Floats) -> NDArray[np.int64] | None:
    """Return which configurations are known, where each of them is at every knot of every task; None where not."""
    known = np.isfinite(values)
    there = np.flatnonzero(known.any(axis=(0, 2)))
    return there if known[:, there].all() else None


def known_cells(values: Floats, most: int) -> tuple[NDArray[np.int64], ...]:
    """Return tasks, configurations and knots of the cells that are known, `most` of them evenly chosen."""
    cells = np.argwhere(np.isfinite(values))
    chosen = cells[np.linspace(0, len(cells) - 1, min(most, len(cells))).round().astype(int)]
    return chosen[:, 0], chosen[:, 1], chosen[:, 2]


def _grid_loss(values: Tensor, tasks: Tensor, configs: Tensor, epochs: Tensor, noise: Tensor) -> Tensor:
    """Return a number whose gradient is that of the negative log likelihood of `values` [T, N, K], a cell.

    Eigenvectors are not differentiated, whose gradient is infinite where eigenvalues coincide: the gradient by each
    factor of the covariance C = tasks x configs x epochs + noise, (C^-1 - C^-1 y y' C^-1) / 2, has a closed form.
    """
    with torch.no_grad():
        (t, u), (n, v), (k, w) = map(torch.linalg.eigh, (tasks, configs, epochs))
        inverse = 1 / (t[:, None, None] * n[:, None] * k + noise)
        solved = inverse * (torch.tensordot(u.T, v.T @ values @ w, 1))
        by_task = _gradient(inverse, solved, u, n[:, None] * k)
        by_config = _gradient(inverse.movedim(1, 0), solved.movedim(1, 0), v, t[:, None] * k)
        by_epoch = _gradient(inverse.movedim(2, 0), solved.movedim(2, 0), w, t[:, None] * n)
        by_noise = inverse.sum() - solved.square().sum()
        by_value = torch.tensordot(u, v @ solved @ w.T, 1)
    found: Tensor = (by_task * tasks).sum() + (by_config * configs).sum() + (by_epoch * epochs).sum() + by_noise * noise
    return torch.add(0.5 * found, (by_value * values).sum()) / values.numel()


def _gradient(inverse: Tensor, solved: Tensor, vectors: Tensor, others: Tensor) -> Tensor:
    """Return twice the gradient by the factor whose axis is the first, from its eigenvectors and the others' values."""
    weighted = (solved * others).flatten(1)
    of_determinant = torch.diag((inverse * others).flatten(1).sum(1))
    found: Tensor = vectors @ (of_determinant - weighted @ solved.flatten(1).T) @ vectors.T
    return found

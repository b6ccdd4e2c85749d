"""Is AT2's posterior that of its Gaussian process, and does it recommend what the old tasks and the cells say?"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nas.transfer.at2.belief import AT2
from nas.transfer.at2.kernels import Floats, Kernels, distances
from nas.transfer.at2.learning import _grid_loss
from nas.transfer.past import Past

KNOTS = (1, 2, 4)


HOLES = {"none": [], "a new configuration": [(slice(None), 4)], "cells": [(0, 1, 2), (2, 4, slice(1, 3))]}


def past(holes: str = "none", tasks: int = 3, configs: int = 5) -> Past:
    """Return a small table, in which high features are good and values rise."""
    draws = np.random.default_rng(1)
    features = draws.random((configs, 2))
    curves = features.sum(axis=1)[None, :, None] / 3 * np.array([0.5, 0.8, 1.0]) + 0.02 * draws.random(
        (tasks, configs, len(KNOTS))
    )
    for cells in HOLES[holes]:
        curves[cells] = np.nan
    return Past(tuple(f"task {each}" for each in range(tasks)), curves, features, KNOTS)


def told(belief: AT2) -> AT2:
    return belief.tell(0, 0, 0.2).tell(0, 1, 0.3).tell(3, 0, 0.4)


def naive(belief: AT2) -> tuple[Floats, Floats]:
    """Return mean and variance of the new task by one dense matrix over all cells that are known."""
    values = np.concatenate([belief.past.values, belief.seen[None]])
    shape = values.shape
    cells = np.argwhere(np.isfinite(values))
    targets = np.argwhere(np.ones(shape[1:]))
    new = np.column_stack([np.full(len(targets), shape[0] - 1), targets])

    def covariance(left: Floats, right: Floats) -> Floats:
        factors = (belief.tasks, belief.learned.configs, belief.learned.epochs)
        return np.prod([k[np.ix_(left[:, i], right[:, i])] for i, k in enumerate(factors)], axis=0)

    means = np.append(belief.learned.means, 0.0)
    inverse = np.linalg.inv(covariance(cells, cells) + belief.learned.noise * np.eye(len(cells)))
    residual, own = values[tuple(cells.T)] - means[cells[:, 0]], (cells[:, 0] == shape[0] - 1).astype(float)
    constant = own @ inverse @ residual / (own @ inverse @ own)
    cross = covariance(new, cells)
    mean = constant + cross @ inverse @ (residual - constant * own)
    variance = np.diag(covariance(new, new) - cross @ inverse @ cross.T)
    return mean.reshape(shape[1:]), variance.reshape(shape[1:])


@pytest.mark.parametrize("holes", HOLES)
def test_the_posterior_is_that_of_the_dense_gaussian_process(holes: str) -> None:
    belief = told(AT2.of(past(holes)))
    for found, right in zip(belief.posterior, naive(belief), strict=True):
        assert found == pytest.approx(right, abs=1e-6)


def test_the_gradient_of_a_grid_is_that_of_the_likelihood() -> None:
    torch.manual_seed(0)
    given = past()
    values, kernels = torch.from_numpy(given.values), Kernels(2)
    apart, shared = map(torch.from_numpy, distances(given.values, given.values))
    times = torch.tensor(KNOTS, dtype=torch.float64) / 4

    def factors() -> tuple[torch.Tensor, ...]:
        features = torch.from_numpy(given.features)
        return kernels.tasks(apart, shared), kernels.configs(features), kernels.epochs(times)

    _grid_loss(values, *factors(), kernels.noise).backward()
    found = [each.grad.clone() for each in kernels.parameters()]
    kernels.zero_grad()
    whole = torch.kron(torch.kron(*factors()[:2]), factors()[2]) + kernels.noise * torch.eye(45, dtype=torch.float64)
    normal = torch.distributions.MultivariateNormal(torch.zeros(45, dtype=torch.float64), whole)
    (-normal.log_prob(values.reshape(-1)) / 45).backward()
    for one, other in zip(found, kernels.parameters(), strict=True):
        assert torch.allclose(one, other.grad, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("holes", ["none", "cells"])
def test_before_any_epoch_the_best_of_old_tasks_is_recommended(holes: str) -> None:
    given = past(holes)
    belief = AT2.of(given)
    assert belief.best() == int(np.nanmean(given.values[:, :, -1], axis=0).argmax())
    assert belief.posterior[0].shape == (5, 3)


def test_what_the_new_task_shows_outweighs_what_old_tasks_say() -> None:
    belief = AT2.of(past())
    good, bad = belief.best(), int(belief.posterior[0][:, -1].argmin())
    for knot in range(3):
        belief = belief.tell(good, knot, 0.1).tell(bad, knot, 0.5 + 0.2 * knot)
    assert belief.best() == bad
    forecast = belief.forecast()
    assert (forecast.low < forecast.mean).all() and (forecast.mean < forecast.high).all()


def test_what_is_trained_to_its_end_or_barred_is_not_trained_on() -> None:
    belief = AT2.of(past())
    for candidate in range(4):
        assert belief.next() is not None
        belief = belief.tell(candidate, 0, 0.3).tell(candidate, 1, 0.4).tell(candidate, 2, 0.5)
    assert belief.next() == 4
    assert belief.next(barred=[4]) is None


def test_feasible_candidates_come_first() -> None:
    belief = AT2.of(past())
    order = np.argsort(-belief.posterior[0].max(axis=1))
    chance = np.full(5, 0.9)
    chance[order[0]] = 0.1
    assert belief.best(chance) == order[1]


def test_the_same_task_is_the_one_that_it_is_like() -> None:
    draws = np.random.default_rng(3)
    given = Past(("same", "other"), draws.random((2, 5, 3)).cumsum(axis=2) / 3, draws.random((5, 2)), KNOTS)
    belief = AT2.of(given)
    for candidate in range(4):
        belief = belief.tell(candidate, 0, given.values[0, candidate, 0] - 0.1)
    likeness = belief.likeness()
    assert likeness["same"] > likeness["other"]
    assert sum(likeness.values()) == pytest.approx(1)


def test_it_learns_the_same_from_the_same() -> None:
    one, other = (told(AT2.of(past())).posterior[0] for _ in range(2))
    assert np.array_equal(one, other)


def test_of_a_loss_less_is_better() -> None:
    given = past()
    lost = replace(given, values=1 - given.values, maximize=False)
    belief = AT2.of(lost)
    assert belief.best() == AT2.of(given).best()
    assert belief.tell(0, 0, 0.9).forecast().mean[0, 0] == pytest.approx(0.9, abs=0.2)


def test_without_old_tasks_it_goes_by_what_it_sees() -> None:
    belief = AT2.of(past(tasks=0))
    for candidate in range(5):
        for knot in range(3):
            belief = belief.tell(candidate, knot, 0.1 * knot + 0.3 * (candidate == 2))
    assert belief.posterior[0][2, -1] > belief.posterior[0][1, -1]
    assert belief.likeness() == {"none of them": 1.0}

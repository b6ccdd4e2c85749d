"""Covariances are positive definite in any space, blind to the order of choices, and fitted by exact gradients."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import approx_fprime

from nas.core.seeds import generator
from nas.strategies.breeding.genome import Genome
from nas.strategies.processes import covariance
from nas.strategies.processes.covariance import (
    BOUNDS,
    JITTER,
    NOISE,
    SPREAD,
    SPREAD_NOISE,
    SPREAD_UNORDERED,
    WEIGHT,
    Covariance,
    fitted,
)
from nas.strategies.processes.features import Features
from tests.fakes import hills
from tests.strategies.test_variation import SEEDS, spaces

Array = NDArray[np.float64]
Loss = Callable[[Array], tuple[float, Array]]


def some(space: ConfigurationSpace, count: int, seed: int = 0, several: bool = False) -> tuple[Features, Array]:
    """Return the features of some samples, of several numbers of epochs perhaps."""
    rng, genome = generator(seed), Genome(space)
    features = Features(genome, 27, several)
    return features, features.of(genome.sampled(count, rng), list(rng.choice([1, 3, 9, 27], count)))


def drawn(features: Features, rng: np.random.RandomState) -> Covariance:
    """Return a covariance whose weights and noise are anything that fitting may find."""
    weights = rng.uniform(*BOUNDS[0], features.layout.size)
    return Covariance(features.layout, weights, float(rng.uniform(*BOUNDS[1])))


@settings(max_examples=60)
@given(spaces(), SEEDS, st.booleans())
def test_it_is_positive_definite_in_any_space(space: ConfigurationSpace, seed: int, several: bool) -> None:
    features, at = some(space, 25, seed, several)
    found = drawn(features, generator(seed))
    between, among = found.between(at, at), found.among(at)
    assert np.array_equal(between.shape, (25, 25)) and between == pytest.approx(between.T)
    assert np.diag(between) == pytest.approx(np.ones(25), abs=1e-6)  # the square root of what distances are rounded by
    assert between.min() >= -1e-9 and between.max() <= 1 + 1e-9
    assert np.linalg.eigvalsh(between).min() > -1e-6
    assert np.linalg.eigvalsh(among).min() > 0.5 * np.exp(found.log_noise)
    assert among - between == pytest.approx((np.exp(found.log_noise) + JITTER) * np.eye(25))


def test_the_nearer_the_more_one_tells_of_another() -> None:
    features = Features(Genome(ConfigurationSpace({"x": (0.0, 1.0)})), 1, several=False)
    found = Covariance(features.layout, np.zeros(1), -3.0)
    line = found.between(np.zeros((1, 1)), np.linspace(0, 3, 20)[:, None])[0]
    assert (np.diff(line) < 0).all()
    r = 5**0.5 * 1.5
    assert found.between(np.zeros((1, 1)), np.full((1, 1), 1.5)) == pytest.approx((1 + r + r * r / 3) * np.exp(-r))


def test_unordered_values_tell_of_others_by_themselves_however_much_else_differs() -> None:
    """Half of the covariance is theirs, and of that each that differs leaves 0.6 where it matters."""
    space = ConfigurationSpace({name: ["a", "b", "c"] for name in "pqrs"})
    features = Features(Genome(space), 1, several=False)
    found = Covariance(features.layout, np.full(4, 5.0), -3.0)
    at = features.of(np.array([[0, 0, 0, 0], [0, 0, 0, 1], [0, 1, 1, 1], [1, 1, 1, 1.0]]))
    assert found.between(at[:1], at)[0] == pytest.approx([1, 0.5 * 0.6, 0.5 * 0.6**3, 0.5 * 0.6**4], abs=1e-4)
    nothing = Covariance(features.layout, np.full(4, -8.0), -3.0)
    assert nothing.between(at[:1], at).min() > 0.98


def test_what_is_taken_as_often_is_alike_wherever_it_stands() -> None:
    """Where all the choices of two differ, but not how often each is taken."""
    space = ConfigurationSpace({f"node_{place}": ["skip", "pool", "conv"] for place in range(4)})
    features = Features(Genome(space), 1, several=False)
    found = Covariance(features.layout, np.full(5, 1.0), -3.0)
    at = features.of(np.array([[0, 0, 1, 2], [1, 2, 0, 0], [1, 1, 2, 0.0]]))
    moved, other = found.between(at[:1], at[1:])[0]
    assert moved > 2 * other


@pytest.fixture
def loss(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Loss]:
    """What `fitted` minimizes, instead of its minimum."""

    def of(*asked: Any) -> Loss:
        seen = list[Loss]()

        def record(function: Loss, first: Array, **how: Any) -> SimpleNamespace:
            seen.append(function)
            return SimpleNamespace(x=first)

        monkeypatch.setattr(covariance, "minimize", record)
        fitted(*asked)
        return seen[0]

    return of


SPACES = {
    "mixed and conditional": hills(),
    "unordered": ConfigurationSpace({name: ["a", "b", "c"] for name in "pqrs"}),
    "a cell": ConfigurationSpace({"x": (0.0, 1.0), **{f"node_{place}": ["a", "b", "c"] for place in range(3)}}),
    "ordered": ConfigurationSpace({"x": (0.0, 1.0), "y": (1, 50)}),
}
each_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


@each_space
@pytest.mark.parametrize("several", [True, False])
def test_the_gradient_is_exact(space: ConfigurationSpace, several: bool, loss: Callable[..., Loss]) -> None:
    features, at = some(space, 30, several=several)
    values = generator("values").normal(size=30)
    asked = loss(at, features.layout, values)
    for seed in range(3):
        theta = np.append(generator(seed).uniform(-3, 1, features.layout.size), -1.5)
        measured = approx_fprime(theta, lambda t: asked(t)[0], 1e-6)
        assert asked(theta)[1] == pytest.approx(measured, rel=1e-3, abs=1e-3)


@each_space
def test_what_is_minimized_is_the_negative_log_posterior(space: ConfigurationSpace, loss: Callable[..., Loss]) -> None:
    """Of the covariance that is then used; up to what is the same for all."""
    features, at = some(space, 30)
    owners, values = features.layout.size, generator("values").normal(size=30)
    asked = loss(at, features.layout, values)

    def textbook(theta: Array) -> float:
        matrix = Covariance(features.layout, theta[:-1], theta[-1]).among(at)
        likelihood = -0.5 * values @ np.linalg.inv(matrix) @ values - 0.5 * np.linalg.slogdet(matrix)[1]
        spread = np.where(np.arange(owners) < features.layout.unordered, SPREAD_UNORDERED, SPREAD)
        prior = ((theta[:-1] - np.log(WEIGHT / owners)) / spread) ** 2
        return float(-likelihood + 0.5 * prior.sum() + 0.5 * ((theta[-1] - np.log(NOISE)) / SPREAD_NOISE) ** 2)

    thetas = [np.append(generator(seed).uniform(-3, 1, owners), -1.5) for seed in range(3)]
    assert [asked(theta)[0] for theta in thetas] == pytest.approx([textbook(theta) for theta in thetas])


@each_space
@pytest.mark.parametrize("begin", [False, True])
def test_a_fit_is_at_a_minimum_wherever_it_begins(
    space: ConfigurationSpace, begin: bool, monkeypatch: pytest.MonkeyPatch, loss: Callable[..., Loss]
) -> None:
    features, at = some(space, 40)
    values = np.sin(3 * at[:, 0]) + 0.1 * generator("values").normal(size=40)
    data = at, features.layout, values
    first = drawn(features, generator(5)) if begin else None
    found = fitted(*data, first)
    gradient = loss(*data)(np.append(found.log_weights, found.log_noise))[1]
    assert np.abs(gradient).max() < 0.5


def test_what_matters_weighs_more_and_noise_is_told_from_what_hangs_together() -> None:
    features, at = some(ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0), "c": ["a", "b"]}), 80)
    number = {int(owner): values for owner, values in zip(features.layout.owner, at.T, strict=True)}
    smooth = np.sin(5 * number[1])
    found = fitted(at, features.layout, smooth)
    assert found.log_weights[1] > 2 + max(found.log_weights[0], found.log_weights[2])
    noisy = fitted(at, features.layout, generator("noise").normal(size=80))
    assert noisy.log_noise > found.log_noise + 2


def test_fits_by_draws_differ_in_what_few_values_leave_open_and_less_the_more_there_are() -> None:
    def apart(count: int) -> float:
        features, at = some(ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0)}), count)
        values = np.sin(9 * at[:, 0]) + np.sin(6 * at[:, 1])
        data = at, features.layout, values / values.std()
        fits = [fitted(*data, rng=generator("draws", number)).log_weights for number in range(12)]
        assert np.array_equal(fits[0], fitted(*data, rng=generator("draws", 0)).log_weights)
        return float(np.std(fits, axis=0).max())

    few, many = apart(6), apart(100)
    assert few > 0.3 and many < 0.5 * few


def test_where_no_value_differs_it_still_fits() -> None:
    features, at = some(hills(), 10)
    found = fitted(at, features.layout, np.zeros(10))
    assert np.isfinite([*found.log_weights, found.log_noise]).all()
    same = fitted(at[[0] * 10], features.layout, np.arange(10.0) - 4.5)
    assert np.isfinite([*same.log_weights, same.log_noise]).all()


def test_the_order_of_the_choices_changes_nothing() -> None:
    def fit(choices: list[str]) -> tuple[Array, Array]:
        space = ConfigurationSpace()
        one, other, third = (Categorical(name, choices) for name in "pqr")
        space.add(one, other, third)
        space.add(EqualsCondition(third, one, "b"))
        genome, rng = Genome(space), generator("letters")
        letters = [[str(letter) for letter in rng.choice(list("abcd"), 3)] for _ in range(60)]
        rows = np.array([[choices.index(letter) for letter in each] for each in letters], dtype=float)
        rows[[each[0] != "b" for each in letters], 2] = np.nan
        features = Features(genome, 1, several=False)
        at = features.of(rows)
        values = np.array([ord(each[1]) + 0.5 * ord(each[0]) for each in letters], dtype=float)
        values = (values - values.mean()) / values.std()
        found = fitted(at, features.layout, values)
        return np.append(found.log_weights, found.log_noise), found.between(at, at)

    (theta, between), (permuted, between_too) = fit(list("abcd")), fit(list("cadb"))
    assert permuted == pytest.approx(theta, abs=1e-5)
    assert between_too == pytest.approx(between, abs=1e-6)

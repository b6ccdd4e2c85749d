"""A process says what the textbook says, and what is in the making takes from its doubt alone."""

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nas.core.seeds import generator
from nas.strategies.breeding.genome import Genome
from nas.strategies.processes.covariance import JITTER, Covariance
from nas.strategies.processes.features import Features
from nas.strategies.processes.process import LEAST, Process
from tests.fakes import hills
from tests.strategies.test_variation import SEEDS

Array = NDArray[np.float64]


def known(space: ConfigurationSpace, count: int, seed: int) -> tuple[Process, Array, Array]:
    """Return a process through `count` values, where it is asked, and what is in the making."""
    rng, genome = generator(seed), Genome(space)
    features = Features(genome, 1, several=False)
    weights = rng.uniform(-3, 1, features.layout.size)
    covariance = Covariance(features.layout, weights, float(rng.uniform(-5, 0)))
    at, asked, making = (features.of(genome.sampled(number, rng)) for number in (count, 15, 4))
    return Process(covariance, at, rng.normal(size=count)), asked, making


@settings(max_examples=20)
@given(SEEDS, st.integers(1, 40))
def test_mean_and_deviation_are_those_of_the_textbook(seed: int, count: int) -> None:
    process, asked, making = known(hills(), count, seed)
    mean, deviation = process.predicted(asked, making[:0])
    inverse = np.linalg.inv(process.covariance.among(process.features))
    across = process.covariance.between(asked, process.features)
    assert mean == pytest.approx(across @ inverse @ process.values, abs=1e-7)
    assert process.mean(asked) == pytest.approx(mean, abs=1e-9)
    assert deviation**2 == pytest.approx(1 - np.diag(across @ inverse @ across.T), abs=1e-7)


@settings(max_examples=20)
@given(SEEDS, st.integers(1, 40))
def test_what_is_in_the_making_counts_as_known_exactly_but_for_its_values(seed: int, count: int) -> None:
    """The deviation is that of a process through it too, without noise there; the mean is as it was."""
    process, asked, making = known(hills(), count, seed)
    every = np.concatenate([process.features, making])
    noise = np.repeat([np.exp(process.covariance.log_noise) + JITTER, JITTER], [count, len(making)])
    inverse = np.linalg.inv(process.covariance.between(every, every) + np.diag(noise))
    across = process.covariance.between(asked, every)
    before, now = (process.predicted(asked, beside) for beside in (making[:0], making))
    assert np.array_equal(now[0], before[0])
    assert now[1] ** 2 == pytest.approx(np.maximum(1 - np.diag(across @ inverse @ across.T), LEAST), abs=1e-6)
    assert (now[1] <= before[1]).all()


def test_what_is_in_the_making_is_known_there_even_if_twice() -> None:
    process, asked, making = known(hills(), 20, 0)
    twice = np.concatenate([making, making, process.features[:3]])
    mean, deviation = process.predicted(np.concatenate([making, asked]), twice)
    assert np.isfinite(mean).all() and (deviation >= LEAST**0.5).all()
    assert deviation[: len(making)].max() < 0.01 < deviation[len(making) :].max()


def test_far_from_all_that_is_known_it_knows_nothing() -> None:
    features = Features(Genome(ConfigurationSpace({"x": (0.0, 1.0)})), 1, several=False)
    covariance = Covariance(features.layout, np.array([9.0]), -9.0)
    process = Process(covariance, np.array([[0.0]]), np.array([2.0]))
    mean, deviation = process.predicted(np.array([[0.0], [1.0]]), np.zeros((0, 1)))
    assert mean == pytest.approx([2, 0], abs=1e-3) and deviation == pytest.approx([0, 1], abs=0.02)


def test_of_nothing_nothing_is_predicted() -> None:
    process, asked, making = known(hills(), 5, 0)
    assert [each.shape for each in process.predicted(asked[:0], making)] == [(0,), (0,)]

"""Squared differences of features are the distances that are told of, hyperparameter by hyperparameter."""

import re

import numpy as np
import pytest
from ConfigSpace import (
    Categorical,
    CategoricalHyperparameter,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    OrdinalHyperparameter,
)
from hypothesis import given, settings
from numpy.typing import NDArray

from nas.core.seeds import generator
from nas.core.types import Config
from nas.strategies.breeding.genome import Genome
from nas.strategies.processes.features import Features
from tests.strategies.test_variation import SEEDS, spaces

INACTIVE = 0.75


def told(genome: Genome, column: int, one: float, other: float) -> float:
    """Return the squared distance of two values, NaN where inactive, as the documentation has it."""
    inactive = np.isnan(one), np.isnan(other)
    if genome.unordered[column]:
        return float(one != other and not all(inactive))
    sequence = getattr(genome.genes[column], "sequence", "ab")
    places = [0.5 if np.isnan(value) else value / (len(sequence) - 1) for value in (one, other)]
    return float((places[0] - places[1]) ** 2) + INACTIVE * (inactive[0] != inactive[1])


def apart(features: Features, ones: NDArray[np.float64], others: NDArray[np.float64], owner: int) -> float:
    return float(((ones - others)[features.layout.owner == owner] ** 2).sum())


@settings(max_examples=40)
@given(spaces(), SEEDS)
def test_distances_are_as_told(space: ConfigurationSpace, seed: int) -> None:
    genome = Genome(space)
    features, rows = Features(genome, 10, several=False), genome.sampled(6, generator(seed))
    at = features.of(rows)
    varies, layout = [int(column) for column in np.flatnonzero(genome.varies)], features.layout
    choices = [column for column in varies if genome.unordered[column]]
    numbers = [column for column in varies if not genome.unordered[column]]
    assert (layout.unordered, layout.size) == (len(choices), max(1, len(varies) + layout.counts))
    assert set(layout.owner) == set(range(layout.size)) and at.shape == (6, len(layout.owner))
    for owner, column in [*enumerate(choices), *enumerate(numbers, layout.unordered + layout.counts)]:
        for one in range(6):
            expected = told(genome, column, rows[0, column], rows[one, column])
            assert apart(features, at[0], at[one], owner) == pytest.approx(expected)


def test_how_often_choices_are_taken_is_counted_where_they_are_the_same_at_several_places() -> None:
    """That of an inactive hyperparameter is none. Two swapped are 1 apart, as two that differ."""
    space, choices = ConfigurationSpace(), ["skip", "pool", "conv"]
    nodes = [Categorical(f"node{place}_op", choices) for place in range(3)]
    space.add(*nodes, Categorical("op", choices), Categorical("node9_op", ["skip", "pool"]), Float("x", (0.0, 1.0)))
    space.add(EqualsCondition(nodes[2], nodes[0], "conv"))
    genome = Genome(space)
    features = Features(genome, 1, several=False)
    fixed = {"node9_op": "pool", "op": "conv", "x": 0.5}
    taken = [{"node0_op": "skip", "node1_op": "skip"}, {"node0_op": "skip", "node1_op": "pool"}]
    taken += [{"node0_op": "conv", "node1_op": "skip", "node2_op": "conv"}]
    at = features.of(genome.rows([Config.of(fixed | operations) for operations in taken]))
    counts = at[:, features.layout.owner == features.layout.unordered]
    assert features.layout.unordered == 5 and features.layout.counts == 1
    assert counts == pytest.approx(0.5**0.5 * np.array([[2, 0, 0], [1, 1, 0], [1, 0, 2]]))
    assert ((counts[0] - counts[1]) ** 2).sum() == pytest.approx(1)


@settings(max_examples=40)
@given(spaces())
def test_nothing_is_counted_where_no_name_comes_twice(space: ConfigurationSpace) -> None:
    names = [re.sub(r"\d+", "", gene.name) for gene in space.values() if isinstance(gene, CategoricalHyperparameter)]
    assert Features(Genome(space), 1, several=False).layout.counts <= len(names) - len(set(names))


def test_epochs_are_a_last_feature_on_a_logarithmic_scale() -> None:
    space = ConfigurationSpace({"x": (0.0, 1.0)})
    features = Features(Genome(space), 100, several=True)
    rows = np.full((3, 1), 0.3)
    at = features.of(rows, [1, 10, 100])
    assert list(features.layout.owner) == [0, 1]
    assert at[:, 1] == pytest.approx([0, 0.5, 1])
    assert np.array_equal(features.of(rows[:1]), at[2:])  # full trainings by default


def test_after_one_epoch_at_most_there_is_no_distance_to_divide_by() -> None:
    features = Features(Genome(ConfigurationSpace({"x": (0.0, 1.0)})), 1, several=True)
    assert np.isfinite(features.of(np.zeros((1, 1)), [1])).all()


def test_where_nothing_varies_all_are_the_same() -> None:
    space = ConfigurationSpace()
    space.add(Constant("a", 3), Categorical("b", ["only"]), OrdinalHyperparameter("c", ["one", "two"]))
    alone = ConfigurationSpace()
    alone.add(Constant("a", 3))
    assert Features(Genome(space), 1, several=False).of(np.ones((4, 3))).shape[0] == 4
    constant = Features(Genome(alone), 1, several=False)
    assert np.array_equal(constant.of(np.ones((4, 1))), np.zeros((4, 1))) and list(constant.layout.owner) == [0]

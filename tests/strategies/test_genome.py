"""Rows are the configurations of a space, whatever the space: varied they are legal, and as its priors have them."""

from collections import Counter

import numpy as np
import pytest
from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    GreaterThanCondition,
    Integer,
    Normal,
    OrdinalHyperparameter,
)
from hypothesis import given, settings
from scipy.stats import chisquare, kstest

from nas.core.configuration import checked_config
from nas.core.seeds import generator
from nas.core.types import Config
from nas.strategies.breeding.genome import FEW, SMALL, WHOLE, Genome
from nas.strategies.breeding.variation import Draws, complete, forbidden, sample
from nas.strategies.modelling import Rows
from search_spaces import cnn
from tests.fakes import hills
from tests.strategies.test_variation import SEEDS, assert_legal, changed, spaces

quick = settings(max_examples=50)


def space_of(*parameters: object) -> ConfigurationSpace:
    space = ConfigurationSpace()
    space.add(*parameters)
    return space


def configs_of(space: ConfigurationSpace, seed: int, count: int = 6) -> list[Config]:
    draws = Draws(space, generator(seed))
    return [sample(draws) for _ in range(count)]


def assert_configurations(genome: Genome, rows: Rows) -> list[Config]:
    """Return the configurations of `rows`, once ConfigSpace and the engine both find them legal."""
    configs = genome.configs(rows)
    for config in configs:
        assert_legal(genome.space, config)
        if not forbidden(genome.space, config):
            assert checked_config(genome.space, config.values, "row") == config
    return configs


def test_choices_with_weights_may_be_conditional_where_all_have_them() -> None:
    """ConfigSpace draws these as whole numbers, which cannot tell of being inactive."""
    one, other = (Categorical(name, ["a", "b"], weights=[1, 3]) for name in "pq")
    space = space_of(one, other)
    space.add(EqualsCondition(other, one, "b"))
    rows = Genome(space).sampled(40, generator(0))
    assert (
        np.array_equal(np.isnan(rows[:, 1]), rows[:, 0] == 0) and len(assert_configurations(Genome(space), rows)) == 40
    )


@quick
@given(spaces(), SEEDS)
def test_rows_are_configurations_written_otherwise(space: ConfigurationSpace, seed: int) -> None:
    genome, configs = Genome(space), configs_of(space, seed)
    rows = genome.rows(configs)
    assert rows.shape == (len(configs), len(space))
    assert genome.configs(rows) == configs
    assert np.array_equal(genome.rows(genome.configs(rows)), rows, equal_nan=True)
    assert genome.configs(genome.rows([])) == []


@quick
@given(spaces(), SEEDS)
def test_whatever_is_bred_is_legal(space: ConfigurationSpace, seed: int) -> None:
    genome, rng = Genome(space), generator(seed)
    drawn = genome.sampled(6, rng)
    mutants = genome.mutated(drawn, rng)
    mixed = genome.recombined(drawn, mutants[::-1], rng)
    near, _ = genome.neighbours(mixed[:2], rng)
    for rows in (drawn, mutants, mixed, near[:: 1 + len(near) // 12]):
        assert_configurations(genome, rows)


@quick
@given(spaces(), SEEDS)
def test_a_neighbour_differs_in_one_value_and_in_what_hangs_on_it(space: ConfigurationSpace, seed: int) -> None:
    genome, rng = Genome(space), generator(seed)
    rows = genome.rows(configs_of(space, seed, 3))
    near, of = genome.neighbours(rows, rng)
    assert len(near) == len(of)
    for row, start in zip(near, of, strict=True):
        differs = (row != rows[start]) & ~np.isnan(row) & ~np.isnan(rows[start])
        assert differs.sum() == 1
        before, after = genome.configs(rows[[start]])[0], genome.configs(row[None])[0]
        number = int(np.flatnonzero(differs)[0])
        assert changed(before, after) <= {genome.genes[number].name}
        hung = before.values.keys() ^ after.values.keys()
        kept = {name: after.values[name] for name in after.values.keys() - hung}
        assert complete(Draws(space, generator(0)), kept).values.keys() == after.values.keys()


@quick
@given(spaces(), SEEDS)
def test_every_value_of_a_hyperparameter_of_few_is_among_the_neighbours(space: ConfigurationSpace, seed: int) -> None:
    genome = Genome(space)
    config = configs_of(space, seed, 1)[0]
    near, _ = genome.neighbours(genome.rows([config]), generator(seed))
    found = genome.configs(near)
    for name, value in config.values.items():
        if 1 < space[name].size <= FEW:
            beside = [each.values[name] for each in found if each.values.get(name, value) != value]
            assert len(beside) == len(set(beside)) == space[name].size - 1


@quick
@given(spaces(), SEEDS)
def test_a_child_has_the_values_of_its_parents_or_activated_ones(space: ConfigurationSpace, seed: int) -> None:
    genome, rng = Genome(space), generator(seed)
    ones, others = genome.rows(configs_of(space, seed)), genome.rows(configs_of(space, seed + 1))
    children = genome.recombined(ones, others, rng)
    inherited = (children == ones) | (children == others) | np.isnan(children) | (np.isnan(ones) & np.isnan(others))
    assert inherited.all()
    assert np.array_equal(genome.recombined(ones, ones, rng), ones, equal_nan=True)


@given(SEEDS)
@settings(max_examples=10)
def test_the_same_seed_gives_the_same_rows(seed: int) -> None:
    def family(genome: Genome) -> list[Rows]:
        rng = generator(seed)
        drawn = genome.sampled(5, rng)
        mutants, mixed = genome.mutated(drawn, rng), genome.recombined(drawn, drawn[::-1], rng)
        return [drawn, mutants, mixed, genome.neighbours(drawn, rng)[0]]

    for one, other in zip(family(Genome(hills())), family(Genome(hills())), strict=True):
        assert np.array_equal(one, other, equal_nan=True)


def test_layers_come_and_go_with_the_depth() -> None:
    genome, rng = Genome(hills()), generator(0)
    deep = complete(Draws(genome.space, rng), {"depth": 3, "optimizer": "sgd"})
    shallow = complete(Draws(genome.space, rng), {"depth": 1, "optimizer": "adam"})
    near, of = genome.neighbours(genome.rows([deep, shallow]), rng)
    from_deep, from_shallow = ([c for c, o in zip(genome.configs(near), of, strict=True) if o == n] for n in (0, 1))
    assert any("width1" not in config.values and config.values["depth"] == 1 for config in from_deep)
    assert any({"width1", "width2"} <= config.values.keys() for config in from_shallow)
    assert any("momentum" in config.values for config in from_shallow)
    children = genome.configs(genome.recombined(*(genome.rows([each] * 60) for each in (deep, shallow)), rng))
    assert Counter(child.values["depth"] for child in children).keys() == {1, 3}
    for child in children:
        assert child.values.get("width1", deep.values["width1"]) == deep.values["width1"]


def test_what_is_inherited_is_from_either_parent_as_often() -> None:
    genome, rng = Genome(cnn.space()), generator(0)
    one, other = (genome.rows([each] * 400) for each in configs_of(genome.space, 3, 2))
    children = genome.recombined(one, other, rng)
    told = (one != other) & ~np.isnan(one) & ~np.isnan(other) & ~np.isnan(children)
    shares = (children == one).sum(axis=0, where=told)[told.any(axis=0)] / told.sum(axis=0)[told.any(axis=0)]
    assert len(shares) > 5
    assert (np.abs(shares - 0.5) < 0.13).all()


def test_a_mutation_changes_few_values() -> None:
    """One and Poisson-many more, on average 1.5, but for values that are drawn again and the same."""
    genome, rng = Genome(cnn.space()), generator(0)
    parents = genome.sampled(2000, rng)
    children = genome.mutated(parents, rng)
    there = ~np.isnan(parents) & ~np.isnan(children)
    changes = ((parents != children) & there).sum(axis=1)
    assert 1.8 < changes.mean() < 2.6
    assert 0.15 < np.mean(changes == 1) < 0.45
    assert changes.max() > 4


def test_unordered_values_are_drawn_again_evenly() -> None:
    """There is no order among choices: from 4 of 0..8 it goes to each of the others as often."""
    genome = Genome(space_of(Categorical("x", list(range(9)))))
    children = genome.mutated(np.full((9000, 1), 4.0), generator(0))
    counts = Counter(config.values["x"] for config in genome.configs(children))
    assert counts.keys() == set(range(9))
    assert chisquare([counts[value] for value in range(9)]).pvalue > 1e-6
    assert max(counts.values()) < 1.25 * min(counts.values())


def test_ordered_values_mostly_move_a_little_and_always_reach_the_next() -> None:
    """A third is drawn again; of the others none stays where it is, but for those at the ends."""
    genome = Genome(space_of(OrdinalHyperparameter("x", [f"{place:02}" for place in range(41)])))
    moves = genome.mutated(np.full((4000, 1), 20.0), generator(0))[:, 0] - 20
    assert np.mean(moves == 0) < 0.02  # of what is drawn again one in 41
    assert np.mean(np.abs(moves) <= 10) > 0.7 > 21 / 41
    assert np.mean(moves == 1) > 0.02 and np.mean(moves == -1) > 0.02
    assert np.mean(np.abs(moves) > 15) > 0.03  # far jumps stay possible
    assert abs(np.mean(moves)) < 1


@pytest.mark.parametrize("parameter", [Integer("x", (1, 10**6), log=True), Float("x", (1.0, 1e6), log=True)])
def test_steps_are_on_the_logarithmic_scale(parameter: object) -> None:
    genome = Genome(space_of(parameter))
    parents = genome.rows([Config.of({"x": 1000})] * 2000)
    children = genome.configs(genome.mutated(parents, generator(0)))
    steps = (np.log10([float(child.values["x"]) for child in children]) - 3) / 6
    assert np.mean(abs(steps) < 0.15) > 0.5  # drawn again alone would give 0.3
    assert abs(np.median(steps)) < 0.05
    assert np.mean(abs(steps) > 0.3) > 0.05


def test_beside_a_number_lie_nearer_and_farther_ones_either_way() -> None:
    genome = Genome(space_of(Float("x", (0.0, 1.0))))
    near, of = genome.neighbours(np.full((200, 1), 0.5), generator(0))
    moves = near[:, 0] - 0.5
    assert Counter(of).keys() == set(range(200)) and len(set(Counter(of).values())) == 1
    for least, most in ((0.005, 0.015), (0.025, 0.075), (0.1, 0.3)):
        for way in (-1, 1):
            assert ((least <= way * moves) & (way * moves <= most)).sum() == 200


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("most", [2 * FEW, 1000, 50_000])
def test_a_neighbour_is_another_configuration_even_of_many_values(most: int, log: bool) -> None:
    genome = Genome(space_of(Integer("x", (1, most), log=log)))
    for value in (1, most // 2, most):
        near, _ = genome.neighbours(genome.rows([Config.of({"x": value})] * 20), generator(0))
        assert len(near)
        assert Config.of({"x": value}) not in genome.configs(near)


def test_beside_a_choice_of_many_lie_draws_of_its_prior() -> None:
    values = [f"{place:02}" for place in range(4 * FEW)]
    genome = Genome(space_of(Categorical("x", values)))
    near, _ = genome.neighbours(np.full((1000, 1), 20.0), generator(0))
    counts = Counter(near[:, 0])
    assert len(counts) == len(values) - 1 and counts[20.0] == 0
    assert max(counts.values()) < 2 * min(counts.values())


@settings(max_examples=100)
@given(spaces())
def test_every_configuration_of_a_small_space_is_listed_once(space: ConfigurationSpace) -> None:
    genome = Genome(space)
    if genome.every is not None and len(genome.every) <= 300:
        configs = assert_configurations(genome, genome.every)
        assert len(set(configs)) == len(configs)
        assert set(configs) >= set(configs_of(space, 0, 60))


def test_a_space_of_conditions_has_as_many_configurations_as_combinations_that_count() -> None:
    depth, widths = Integer("depth", (1, 3)), [Categorical(f"width{place}", ["a", "b"]) for place in range(3)]
    space = space_of(depth, *widths, Constant("rate", 0.1))
    space.add(*(GreaterThanCondition(widths[place], depth, place) for place in (1, 2)))
    rows = Genome(space).every
    assert rows is not None and len(rows) == len(set(Genome(space).configs(rows))) == 2 + 4 + 8


@pytest.mark.parametrize("parameter", [Float("x", (0.0, 1.0)), Integer("x", (1, 10**9)), Integer("x", (1, SMALL))])
def test_a_large_space_is_not_listed(parameter: object) -> None:
    genome = Genome(space_of(parameter, Categorical("c", ["a", "b"])))
    assert genome.every is None
    assert len(genome.fresh(30, generator(0))) == 30


def test_what_is_fresh_in_a_small_space_is_all_of_it_or_different() -> None:
    small, larger = (Genome(space_of(Integer("x", (1, size)))) for size in (WHOLE, 5 * WHOLE))
    assert sorted(config.values["x"] for config in small.configs(small.fresh(30, generator(0)))) == list(
        range(1, WHOLE + 1)
    )
    some = larger.configs(larger.fresh(WHOLE, generator(0)))
    assert len(some) == len(set(some)) == WHOLE
    assert some != larger.configs(larger.fresh(WHOLE, generator(1)))


def test_samples_keep_the_priors_of_the_space() -> None:
    rate, size = Float("rate", (1e-5, 1.0), log=True), Integer("size", (1, 1000), log=True)
    choice, place = Categorical("choice", ["a", "b", "c"], weights=[1, 2, 7]), OrdinalHyperparameter("place", [1, 5, 9])
    bell = Float("bell", (0.0, 4.0), distribution=Normal(2.0, 0.5))
    genome = Genome(space_of(rate, size, choice, place, bell))
    values = [config.values for config in genome.configs(genome.sampled(4000, generator(1)))]
    exponents = np.log10([float(each["rate"]) for each in values])
    assert kstest(exponents, "uniform", args=(-5, 5)).pvalue > 1e-4
    assert np.mean([each["size"] <= 31 for each in values]) == pytest.approx(0.5, abs=0.04)
    assert np.std([float(each["bell"]) for each in values]) == pytest.approx(0.5, abs=0.03)
    choices, places = (Counter(each[name] for each in values) for name in ("choice", "place"))
    assert [choices[value] / 4000 for value in "abc"] == pytest.approx([0.1, 0.2, 0.7], abs=0.03)
    assert [places[value] / 4000 for value in (1, 5, 9)] == pytest.approx([1 / 3] * 3, abs=0.03)
    independent = np.corrcoef(exponents, [float(each["place"]) for each in values])[0, 1]
    assert abs(independent) < 0.07

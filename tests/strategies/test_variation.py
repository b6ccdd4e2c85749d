"""Whatever the space, sampling, mutation and recombination give legal configurations, the same ones for a seed."""

import math
import pickle
import random
from collections import Counter
from typing import Any, TypeAlias

import numpy as np
import pytest
from ConfigSpace import (
    AndConjunction,
    Categorical,
    Configuration,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
    ForbiddenInClause,
    GreaterThanCondition,
    InCondition,
    Integer,
    LessThanCondition,
    NotEqualsCondition,
    OrConjunction,
    OrdinalHyperparameter,
)
from ConfigSpace.exceptions import ActiveHyperparameterNotSetError, ForbiddenValueError
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from nas.core.seeds import generator
from nas.core.types import Config
from nas.strategies.breeding.variation import Draws, complete, forbidden, mutate, recombine, sample
from search_spaces import cnn
from tests.fakes import hills

Parameter: TypeAlias = Any  # ConfigSpace's hyperparameters share a generic base without a common value type
SEEDS = st.integers(0, 2**32)
KINDS = st.sampled_from(["choice", "weighted", "ordinal", "int", "log int", "float", "log float", "constant"])


@st.composite
def parameters(draw: st.DrawFn, name: str) -> Parameter:
    kind, size, low = draw(KINDS), draw(st.integers(2, 5)), draw(st.integers(1, 100))
    if kind == "constant":
        return Constant(name, draw(st.sampled_from([3, "only"])))
    if kind == "ordinal":
        sequence: list[Any] = draw(st.sampled_from([[3, 5, 7, 11, 13], ["s", "m", "l", "xl", "xxl"]]))
        return OrdinalHyperparameter(name, sequence[:size])
    if kind.endswith("int"):
        return Integer(name, (low, low + draw(st.sampled_from([1, 2, 10, 1000]))), log=kind.startswith("log"))
    if kind.endswith("float"):
        return Float(name, (low / 1000, low * draw(st.sampled_from([1.0, 1000.0]))), log=kind.startswith("log"))
    choices: list[Any] = draw(st.sampled_from([[True, False], ["a", "b", "c"], [10, 20, 30, 40], ["single"]]))
    return Categorical(name, choices, weights=[1, 2, 3, 4][: len(choices)] if kind == "weighted" else None)


@st.composite
def literals(draw: st.DrawFn, child: Parameter, parent: Parameter) -> Any:
    """Draw a condition of `child` on one value of `parent`, or on several."""
    kinds = [EqualsCondition, NotEqualsCondition, InCondition]
    kinds += [GreaterThanCondition, LessThanCondition] if parent.ORDERABLE else []
    kind, values = draw(st.sampled_from(kinds)), draw(values_of(parent))
    return kind(child, parent, values if kind is InCondition else values[0])


@st.composite
def values_of(draw: st.DrawFn, parameter: Parameter) -> list[Any]:
    vectors = parameter.sample_vector(3, seed=np.random.RandomState(draw(st.integers(0, 99))))
    return list(dict.fromkeys(parameter.to_value(vectors)))


@st.composite
def spaces(draw: st.DrawFn) -> ConfigurationSpace:
    """Draw a space whose hyperparameters depend on earlier ones, which may depend on others, with forbidden clauses."""
    space = ConfigurationSpace()
    known = [draw(parameters(f"p{i}")) for i in draw(st.permutations(range(draw(st.integers(1, 7)))))]
    space.add(*known)
    for place, child in enumerate(known[1:], 1):
        parents = draw(st.lists(st.sampled_from(known[:place]), max_size=3, unique_by=id))
        conditions = [draw(literals(child, parent)) for parent in parents]
        inner, outer = draw(st.permutations([AndConjunction, OrConjunction]))
        if len(conditions) == 3:
            conditions = [inner(*conditions[:2]), conditions[2]]
        if conditions:
            try:
                space.add(outer(*conditions) if len(conditions) == 2 else conditions[0])
            except ActiveHyperparameterNotSetError:
                reject()  # ConfigSpace's default misses what "not equal" to an inactive parent activates
    for _ in range(draw(st.integers(0, 2))):
        clauses = []
        for parameter in draw(st.lists(st.sampled_from(known), min_size=1, max_size=2, unique_by=id)):
            values = [value for value in draw(values_of(parameter)) if value != parameter.default_value]
            if values:  # the default of a space must not be forbidden
                clauses.append(draw(st.sampled_from([
                    ForbiddenEqualsClause(parameter, values[0]), ForbiddenInClause(parameter, values)
                ])))  # fmt: skip
        if clauses:
            space.add(ForbiddenAndConjunction(*clauses) if len(clauses) > 1 else clauses[0])
    return space


def assert_legal(space: ConfigurationSpace, config: Config) -> None:
    """Ask ConfigSpace itself: all active hyperparameters have a legal value, no others have one."""
    if forbidden(space, config):
        with pytest.raises(ForbiddenValueError):
            Configuration(space, values=config.values)
    else:
        Configuration(space, values=config.values)


def changed(parent: Config, child: Config) -> set[str]:
    """Return the hyperparameters that both have, with different values."""
    return {name for name in parent.values.keys() & child.values.keys() if parent.values[name] != child.values[name]}


@given(spaces(), SEEDS)
def test_samples_and_their_children_are_legal(space: ConfigurationSpace, seed: int) -> None:
    rng = generator(seed)
    family = [sample(Draws(space, rng)), sample(Draws(space, rng))]
    for _ in range(5):
        family += [mutate(Draws(space, rng), family[-1]), recombine(Draws(space, rng), family[-1], family[-2])]
    for config in family:
        assert_legal(space, config)


@settings(max_examples=200)
@given(spaces(), SEEDS)
def test_a_mutation_always_changes_something_when_it_can(space: ConfigurationSpace, seed: int) -> None:
    rng = generator(seed)
    parent = sample(Draws(space, rng))
    can = any(space[name].size > 1 for name in parent.values)
    for _ in range(5):
        assert (mutate(Draws(space, rng), parent) != parent) == can


@given(spaces(), SEEDS)
def test_children_have_the_genes_of_their_parents_or_activated_ones(space: ConfigurationSpace, seed: int) -> None:
    rng = generator(seed)
    one, other = sample(Draws(space, rng)), sample(Draws(space, rng))
    child = recombine(Draws(space, rng), one, other)
    for name, value in child.values.items():
        inherited = [parent.values[name] for parent in (one, other) if name in parent.values]
        assert not inherited or value in inherited
    assert recombine(Draws(space, rng), one, one) == one


@given(spaces(), SEEDS)
def test_completing_a_legal_configuration_leaves_it_and_an_empty_one_is_sampled(
    space: ConfigurationSpace, seed: int
) -> None:
    config = sample(Draws(space, generator(seed)))
    assert complete(Draws(space, generator(seed, "other")), config.values) == config
    assert complete(Draws(space, generator(seed)), {}) == config


@given(spaces(), SEEDS)
def test_the_same_seed_gives_the_same_child_and_no_other_state_is_touched(space: ConfigurationSpace, seed: int) -> None:
    def family() -> list[Config]:
        rng = generator(seed)
        one, other = sample(Draws(space, rng)), sample(Draws(space, rng))
        return [one, other, mutate(Draws(space, rng), one), recombine(Draws(space, rng), one, other)]

    def states() -> bytes:
        return pickle.dumps((random.getstate(), np.random.get_state(), space.random.get_state()))

    random.seed(1)
    np.random.seed(1)
    before = states()
    first = family()
    assert states() == before
    random.seed(2)
    np.random.seed(2)
    space.seed(2)
    assert family() == first


def test_a_layer_appears_and_vanishes_with_the_depth() -> None:
    space, rng = hills(), generator(0)
    deep = complete(Draws(space, rng), {"depth": 3, "optimizer": "sgd"})
    assert {"width1", "width2", "momentum"} <= deep.values.keys()
    shallow = complete(Draws(space, rng), {**deep.values, "depth": 1, "optimizer": "adam"})
    assert shallow.values.keys() == {"rate", "depth", "optimizer", "width0"}
    assert shallow.values["width0"] == deep.values["width0"]
    again = complete(Draws(space, rng), {**shallow.values, "depth": 2})
    assert again.values.keys() == {"rate", "depth", "optimizer", "width0", "width1"}


def test_a_mutation_changes_few_hyperparameters() -> None:
    space, rng = cnn.space(), generator(0)
    parents = [sample(Draws(space, rng)) for _ in range(300)]
    changes = [len(changed(parent, mutate(Draws(space, rng), parent))) for parent in parents]
    assert 2.1 < np.mean(changes) < 2.9
    assert Counter(changes)[1] > 40


def test_depth_is_recombined_and_layers_of_the_deeper_parent_come_along() -> None:
    space, rng = cnn.space(), generator(0)
    one = complete(Draws(space, rng), {"n_conv_layers": 1, "n_fc_layers": 3})
    other = complete(Draws(space, rng), {"n_conv_layers": 3, "n_fc_layers": 1})
    children = [recombine(Draws(space, rng), one, other) for _ in range(100)]
    depths = Counter((child.values["n_conv_layers"], child.values["n_fc_layers"]) for child in children)
    assert set(depths) == {(1, 1), (1, 3), (3, 1), (3, 3)}
    assert min(depths.values()) > 10
    for child in children:
        assert_legal(space, child)
        for name, parent in (("n_channels_conv_2", other), ("n_channels_fc_2", one)):
            assert child.values.get(name) in (None, parent.values[name])


def test_every_gene_comes_from_either_parent() -> None:
    space, rng = cnn.space(), generator(0)
    one, other = (sample(Draws(space, generator(seed))) for seed in (0, 1))
    children = [recombine(Draws(space, rng), one, other) for _ in range(60)]
    for name in changed(one, other):
        assert {child.values[name] for child in children if name in child.values} == {
            one.values[name],
            other.values[name],
        }


@pytest.mark.parametrize("parameter", [Integer("x", (1, 10**6), log=True), Float("x", (1.0, 1e6), log=True)])
def test_mutated_values_cluster_around_the_parent_on_the_logarithmic_scale(parameter: Parameter) -> None:
    space, rng = ConfigurationSpace(), generator(0)
    space.add(parameter)
    parent = Config.of({"x": type(parameter.default_value)(1000)})
    steps = np.array([math.log10(float(mutate(Draws(space, rng), parent).values["x"])) - 3 for _ in range(500)]) / 6
    assert np.mean(abs(steps) < 0.15) > 0.5  # resampling alone would give 0.3
    assert abs(np.median(steps)) < 0.05
    assert np.mean(abs(steps) > 0.3) > 0.05  # far jumps stay possible

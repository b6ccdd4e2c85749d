"""The table of earlier tasks: what each knot knows, and what a configuration looks like."""

import math
from itertools import pairwise

import numpy as np
from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition, Float, Integer
from hypothesis import given
from hypothesis import strategies as st

from nas.core.types import Config
from nas.history.values import Curve
from nas.transfer.past import features, knots_of, past_of
from nas.transfer.scale import Scale

SPACE = ConfigurationSpace({"x": (0.0, 1.0)})
ONE, TWO = Config.of({"x": 0.25}), Config.of({"x": 0.75})


def curve(task: str, config: Config, points: dict[int, float], seed: int = 0) -> Curve:
    return Curve(task, config, seed, {epoch: {"accuracy": value} for epoch, value in points.items()})


@given(st.integers(1, 500), st.floats(1.2, 4))
def test_knots_rise_from_the_first_epoch_to_the_last(full: int, factor: float) -> None:
    knots = knots_of(full, factor)
    assert knots[0] == 1 and knots[-1] == full
    assert all(one < other for one, other in pairwise(knots))


def test_a_knot_knows_the_best_until_then_where_there_is_news() -> None:
    curves = [curve("a", ONE, {1: 0.5, 2: 0.4, 5: 0.7}), curve("a", TWO, {2: 0.3})]
    past = past_of(curves, [ONE, TWO], SPACE, (1, 2, 4, 8), "accuracy")
    np.testing.assert_array_equal(past.values[0], [[0.5, 0.5, math.nan, 0.7], [math.nan, 0.3, math.nan, math.nan]])


def test_of_a_loss_the_best_is_the_least_and_seeds_are_averaged() -> None:
    curves = [curve("a", ONE, {1: 3.0, 2: 4.0}), curve("a", ONE, {1: 5.0, 2: 1.0}, seed=1), curve("b", TWO, {2: 2.0})]
    past = past_of(curves, [ONE, TWO], SPACE, (1, 2), "accuracy", maximize=False)
    assert past.tasks == ("a", "b")
    np.testing.assert_array_equal(past.values[0, 0], [4.0, 2.0])


def test_what_is_no_candidate_or_lacks_the_metric_says_nothing() -> None:
    other = Config.of({"x": 0.5})
    past = past_of([curve("a", other, {1: 0.5})], [ONE], SPACE, (1, 2), "accuracy")
    assert past.tasks == () and past.values.shape == (0, 1, 2)
    past = past_of([curve("a", ONE, {1: 0.5})], [ONE], SPACE, (1, 2), "precision")
    assert past.tasks == () and past.values.shape == (0, 1, 2)


def test_choices_have_columns_and_what_is_inactive_stands_in_the_middle() -> None:
    space = ConfigurationSpace()
    kind, depth = Categorical("kind", ["a", "b"]), Integer("depth", (1, 5))
    space.add(kind, depth, Float("rate", (1e-4, 1.0), log=True))
    space.add(EqualsCondition(depth, kind, "b"))
    rows = features(space, [Config.of({"kind": "a", "rate": 1e-2}), Config.of({"kind": "b", "depth": 5, "rate": 1.0})])
    by_name = [tuple(column) for column in rows.T]
    assert (1.0, 0.0) in by_name and (0.0, 1.0) in by_name  # the choices, and whether the depth is active
    assert any(column[0] == 0.5 and column[1] > 0.8 for column in by_name)  # the depth
    assert any(np.allclose(column, (0.5, 1.0)) for column in by_name)  # the rate


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.booleans())
def test_shares_come_back_from_their_scale(values: list[float], maximize: bool) -> None:
    scale = Scale.of(np.array(values), maximize)
    np.testing.assert_allclose(scale.back(scale.to(np.array(values))), values, atol=1e-9)


@given(st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=20, unique=True), st.booleans())
def test_other_values_come_back_too_and_keep_their_order(values: list[int], maximize: bool) -> None:
    given_ = np.sort(np.array(values)) / 7
    scale = Scale.of(given_, maximize)
    on_scale = scale.to(given_)
    np.testing.assert_allclose(scale.back(on_scale), given_, rtol=1e-6, atol=1e-6 * np.abs(given_).max())
    assert np.all(np.diff(on_scale) * (1 if maximize else -1) >= 0)

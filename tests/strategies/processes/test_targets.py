"""Only ranks count: a bound lies between what breaks it and what keeps it, and what failed is last."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from nas.core.constraints import Constraint, parse
from nas.core.types import Config, Job, Result, Score, Status, Trial
from nas.strategies.processes.targets import Outcomes, normal, outcomes

VALUES = st.lists(st.integers(-3, 3).map(float) | st.just(-math.inf) | st.floats(-1e9, 1e9), min_size=1, max_size=30)


def result(score: Score | None = None, **metrics: float) -> Result:
    trial = Trial("g0.b0.0", Config.of({}), 0)
    return Result(Job(trial, 0, 1), Status.OK if metrics else Status.CRASHED, metrics, score=score or Score())


@given(VALUES, st.sampled_from([-2.0, 0.0, 0.5, 3.0]))
def test_a_bound_lies_between_what_breaks_it_and_what_keeps_it(values: list[float], bound: float) -> None:
    target = normal(np.array(values), bound)
    assert np.isfinite(target.scores).all() and math.isfinite(target.bound)
    for value, score in zip(values, target.scores, strict=True):
        assert (score > target.bound) == (value >= bound) and score != target.bound


@given(VALUES)
def test_scores_have_the_order_of_the_values_and_equal_ones_are_equal(values: list[float]) -> None:
    scores = normal(np.array(values)).scores
    for one, value in zip(scores, values, strict=True):
        for other, another in zip(scores, values, strict=True):
            assert (one < other) == (value < another) and (one == other) == (value == another)
    assert max(abs(scores)) <= norm.ppf(1 - 0.5 / len(values)) + 1e-9


@given(st.lists(st.integers(-100, 100).map(float), min_size=1, max_size=30))
def test_no_scale_matters(values: list[float]) -> None:
    assert np.array_equal(normal(np.array(values)).scores, normal(np.exp(np.array(values) / 9)).scores)


def test_scores_are_normal() -> None:
    scores = normal(np.random.default_rng(0).exponential(size=1001)).scores
    assert scores.mean() == pytest.approx(0, abs=1e-9) and scores.std() == pytest.approx(1, abs=0.01)
    assert np.quantile(scores, [0.1, 0.5, 0.9]) == pytest.approx(norm.ppf([0.1, 0.5, 0.9]), abs=0.01)


@pytest.mark.parametrize(("value", "above"), [(1.0, 1), (-1.0, -1)])
def test_a_single_result_and_equal_ones_are_on_one_side(value: float, above: int) -> None:
    for count in (1, 7):
        target = normal(np.full(count, value), 0.0)
        assert target.scores == pytest.approx(np.zeros(count))
        assert target.bound * above < 0


def test_a_metric_that_is_missing_or_no_number_is_the_worst() -> None:
    results = [result(precision=0.3), result(), result(precision=math.nan), result(other=1.0), result(precision=-5.0)]
    kept = outcomes(results, [parse("precision>=0.4")]).metrics[1]
    assert list(kept) == pytest.approx([-0.25, *[-math.inf] * 3, -13.5])
    target = normal(kept, 0.0)
    assert target.scores[1] == target.scores[2] == target.scores[3] < target.scores[4] < target.scores[0] < target.bound


@pytest.mark.parametrize(("text", "values"), [("m>=2", [1, 2, 3]), ("m<=2", [3, 2, 1]), ("m<=0", [1, 0, -1])])
def test_what_meets_a_bound_exactly_keeps_it(text: str, values: list[float]) -> None:
    kept = outcomes([result(m=value) for value in values], [parse(text)]).metrics[1]
    target = normal(kept, 0.0)
    assert list(kept >= 0) == [False, True, True] == list(target.scores > target.bound)
    assert not np.signbit(kept[1])


def test_the_objective_is_that_of_the_score() -> None:
    found = outcomes([result(Score(-1.0, -0.2), loss=0.2), result()], [])
    assert found.metrics.tolist() == [[-0.2, -math.inf]] and found.feasibility.tolist() == [-1.0, -math.inf]


@given(st.lists(st.integers(0, 3), max_size=6), st.lists(st.integers(0, 3), min_size=1, max_size=6), st.booleans())
def test_what_was_told_before_is_read_once_and_nothing_is_told_of_what_is_not_there(
    some: list[int], more: list[int], kept: bool
) -> None:
    constraints: list[Constraint] = [parse("m>=1"), parse("loss<=2")]
    results = [result(Score(-each, each), m=each) for each in [*some, *more]]
    first = results[: len(some)] if kept else [result(Score(0.0, 7.0), m=7.0) for _ in some]
    before = outcomes(first, constraints)
    anew, extended = outcomes(results, constraints), outcomes(results, constraints, before)
    assert np.array_equal(anew.values, extended.values) and extended.results == tuple(results)
    marked = outcomes(results, constraints, Outcomes(before.results, before.values + 1))
    assert np.array_equal(marked.values[: len(some)], before.values + 1) == (
        before.results == tuple(results[: len(some)])
    )

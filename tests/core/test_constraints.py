"""Constraints are read from one form only, and missed by a share of their bound."""

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nas.core.constraints import Constraint, parse, total_violation
from nas.core.constraints import given as read
from nas.core.directions import sensible
from nas.core.errors import UserError

BOUNDS = st.floats(allow_nan=False, allow_infinity=False)
RELATIONS = st.sampled_from([">=", "<="])


@pytest.mark.parametrize(
    ("text", "metric", "relation", "bound"),
    [
        ("precision>=0.39", "precision", ">=", 0.39),
        ("params<=2e7", "params", "<=", 2e7),
        ("  macs_2 <= 1.5E+3 ", "macs_2", "<=", 1500.0),
        ("gain>=-.5", "gain", ">=", -0.5),
        ("latency<=+3.", "latency", "<=", 3.0),
        ("val/acc >= 0.9", "val/acc", ">=", 0.9),
        ("f1-score>=.5", "f1-score", ">=", 0.5),
        ("top@5<=1", "top@5", "<=", 1.0),
        (" Güte der Klasse >= 2", "Güte der Klasse", ">=", 2.0),
    ],
)
def test_a_bound_on_a_metric_is_read(text: str, metric: str, relation: str, bound: float) -> None:
    assert parse(text) == Constraint(metric, relation, bound)


@pytest.mark.parametrize(
    "text",
    ["precision=>0.39", "precision>0.39", "precision==1", "precision", "", ">=1", "1>=precision", "a>=1.2.3", "a>=.",
     "a>=nan", "a>=inf", "a>=1e999", "a>=1 b<=2", "0.5>=1", "a>=0,39"],
)  # fmt: skip
def test_any_other_form_is_refused_by_naming_the_form(text: str) -> None:
    with pytest.raises(UserError, match="METRIC>=BOUND or METRIC<=BOUND") as refusal:
        parse(text)
    assert f'"{text}"' in str(refusal.value)


@given(RELATIONS, BOUNDS)
@example("<=", 12345678901.0)
def test_a_constraint_is_written_as_it_is_read(relation: str, bound: float) -> None:
    constraint = Constraint("params", relation, bound)
    assert parse(str(constraint)) == constraint


@given(RELATIONS, BOUNDS, st.floats())
def test_a_violation_is_0_when_met_and_else_the_miss_over_the_bound(relation: str, bound: float, value: float) -> None:
    violation = Constraint("m", relation, bound).violation(value)
    met = value >= bound if relation == ">=" else value <= bound
    if math.isnan(value):
        assert violation == math.inf
    elif met:
        assert violation == 0
    else:
        assert violation == abs(value - bound) / (abs(bound) or 1)


def test_bounds_of_different_size_weigh_the_same() -> None:
    assert Constraint("params", "<=", 2e7).violation(3e7) == Constraint("precision", ">=", 0.5).violation(0.25) == 0.5


def test_the_total_is_the_sum_and_a_missing_metric_is_infinitely_violated() -> None:
    both = [parse("precision>=0.5"), parse("params<=100")]
    assert total_violation(both, {"precision": 0.25, "params": 150}) == 1
    assert total_violation(both, {"precision": 0.25, "params": 50}) == 0.5
    assert total_violation(both, {"precision": 0.5, "params": 100, "loss": 9}) == 0
    assert total_violation(both, {"precision": 0.9}) == math.inf
    assert total_violation(both, {"precision": 0.9, "params": math.nan}) == math.inf
    assert total_violation([], {}) == 0


@pytest.mark.parametrize(
    ("metric", "relation", "bound", "told"),
    [
        ("p", ">", 0.5, "relation '>'"),
        ("p", "==", 0.5, "relation '=='"),
        ("p", ">=", math.nan, "bound nan"),
        ("p", "<=", math.inf, "bound inf"),
        ("p", "<=", 10**400, "not a finite number"),
        ("p", ">=", "0.5", "bound '0.5'"),
        ("p", ">=", True, "bound True"),
        ("", ">=", 1, "metric ''"),
        ("a<b", ">=", 1, "metric 'a<b'"),
        (None, ">=", 1, "metric None"),
    ],
)
def test_what_bounds_nothing_is_no_constraint(metric: Any, relation: str, bound: Any, told: str) -> None:
    with pytest.raises(UserError, match=re.escape(told)):
        Constraint(metric, relation, bound)


def test_one_constraint_may_stand_alone_and_numpy_gives_bounds() -> None:
    assert (
        read("precision>=0.5") == read([Constraint("precision", ">=", np.float64(0.5))]) == (parse("precision>=0.5"),)
    )
    with pytest.raises(UserError, match="constraints is 5"):
        read(5)  # type: ignore[arg-type]


@pytest.mark.parametrize("metric", ["loss", "val/loss", "Test RMSE", "top1_error", "perplexity", "latency_ms"])
def test_the_most_of_a_loss_is_refused(metric: str) -> None:
    with pytest.raises(UserError, match=rf"the objective {metric} is maximised.*--objective=-{metric}"):
        sensible((), metric, True)
    sensible((), metric, False)


@pytest.mark.parametrize("metric", ["accuracy", "neg_loss", "-loss", "error_reduction", "reward", "lossless", "params"])
def test_the_most_of_anything_else_may_be_meant(metric: str) -> None:
    assert sensible((), metric, True) == ()


def test_a_bound_that_keeps_out_what_is_better_is_noted(caplog: pytest.LogCaptureFixture) -> None:
    sensible((parse("accuracy>=0.9"), parse("loss<=1"), parse("reward<=3")), "accuracy", True)
    assert not caplog.messages
    sensible((parse("accuracy<=0.9"), parse("val/loss>=1")), "accuracy", True)
    assert [message.split(" keeps")[0] for message in caplog.messages] == [
        "the constraint accuracy<=0.9", "the constraint val/loss>=1",
    ]  # fmt: skip

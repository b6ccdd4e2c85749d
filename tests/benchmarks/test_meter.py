"""The meter counts for everybody alike: epochs once, forbidden configurations not at all, nothing beyond the budget."""

from contextlib import suppress
from typing import Any

import pytest

from benchmarks.meter import Meter, Spent
from benchmarks.problems import Problem
from benchmarks.tables.lookup import Lookup
from nas.core.constraints import parse
from tests.fakes import hill, hills, params

SMALL = {"rate": 0.01, "depth": 1, "optimizer": "adam", "width0": 10}
BIG = {**SMALL, "width0": 900}


def problem(*constraints: str) -> Problem:
    lookup = Lookup(hills(), 9, "accuracy", True, lambda config, epochs: hill(dict(config), epochs), {"params": params})
    return Problem("hills", lookup, tuple(parse(text) for text in constraints), 1, None, 0.0)


def test_a_training_that_goes_on_costs_what_is_new() -> None:
    meter = Meter(problem(), 10)
    for epochs, spent in ((3, 3), (3, 3), (9, 9), (1, 9)):
        meter(SMALL, epochs)
        assert meter.spent == spent / 9


def test_what_breaks_a_cheap_constraint_is_not_trained_and_costs_nothing() -> None:
    meter = Meter(problem("params<=100", "precision>=0"), 1)
    outcome = meter(BIG)
    assert (outcome.metrics, outcome.violations, meter.spent, meter.trace) == ({}, (8.0, 0.0), 0, [])
    with suppress(Spent):
        for _ in range(1000):
            meter(BIG)
        pytest.fail("who proposes nothing else must come to an end")


def test_the_trace_is_of_feasible_full_trainings_that_got_better() -> None:
    meter = Meter(problem("precision>=0.005"), 10)
    found: list[Any] = [meter({**SMALL, "rate": rate}) for rate in (0.001, 0.1, 0.02, 0.2, 0.01)]
    meter({**SMALL, "rate": 0.011}, 5)
    assert [outcome.feasible for outcome in found] == [False, True, True, True, True]
    assert meter.trace == [(2, found[1].loss), (3, found[2].loss), (5, found[4].loss)]


def test_the_budget_ends_the_search() -> None:
    meter, trained = Meter(problem(), 3), 0
    with suppress(Spent):
        for trained in range(100):
            meter({**SMALL, "width0": trained + 1})
    assert (trained, meter.spent) == (3, 3)


def test_for_those_without_constraints_any_violation_is_worse_than_any_loss() -> None:
    meter = Meter(problem("params<=100", "precision>=0.005"), 10)
    feasible, missed, big = (meter.penalised(config) for config in (SMALL, {**SMALL, "rate": 0.001}, BIG))
    assert feasible < meter.problem.worst < missed < big

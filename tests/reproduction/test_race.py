"""The race: everybody runs once by the fixed rule; by halving no more steps are taken in all, and the best go on."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.core.brackets import epochs
from nas.core.errors import UserError
from nas.reproduction.race import FIXED, HALVING, RATES, race, registry, runners, space_of


@given(st.integers(1, 200), st.integers(1, 8), st.integers(60, 400))
def test_halving_has_no_more_steps_than_the_fixed_rule(optimizers: int, rates: int, steps: int) -> None:
    planned, unit = race(HALVING, optimizers * rates, steps, optimizers)
    bracket = planned.bracket(optimizers * rates)
    assert unit * epochs(bracket) <= steps * optimizers
    assert (unit + 1) * epochs(bracket) > steps * optimizers, "no step is left that all could have had"
    assert bracket[0].trials == optimizers * rates
    assert all(3 * after.trials >= before.trials for before, after in pairwise(bracket))


@given(st.integers(1, 300), st.integers(1, 500))
def test_by_the_fixed_rule_all_have_the_steps_that_were_asked_for(count: int, steps: int) -> None:
    planned, unit = race(FIXED, count, steps, count)
    assert [(rung.epochs * unit, rung.trials) for rung in planned.bracket(count)] == [(steps, count)]


def test_too_few_steps_for_so_many_are_refused() -> None:
    with pytest.raises(UserError, match="--steps 2 are too few for 400 runners"):
        race(HALVING, 400, 2, 100)


def test_the_published_rule_has_every_optimizer_of_the_registry_once_at_one_rate() -> None:
    everybody = registry()
    assert {"adamp", "sgd", "lion", "hyper-adam", "lbfgs"} <= {*everybody}
    found = runners(FIXED, everybody, RATES)
    assert [run["optimizer"] for run in found] == [*everybody]
    assert {(run["policy"], run["learning_rate"]) for run in found} == {("constant", 0.001)}


def test_halving_has_each_at_several_rates_and_what_finds_its_rate_once() -> None:
    found = runners(HALVING, ("sgd", "adamw", "lamb", "hyper-adam"), (1e-3, 1e-2))
    assert [run["learning_rate"] for run in found if run["optimizer"] == "lamb"] == [1e-3, 1e-2]
    assert sum(run["optimizer"] == "hyper-adam" for run in found) == 1
    assert {run["optimizer"] for run in found if run["policy"] == "autolrs"} == {"sgd", "adamw"}
    given = runners(HALVING, ("sgd", "adamw"), (1e-3, 1e-2), 0.1)
    assert [(run["policy"], run["learning_rate"]) for run in given] == [("constant", 0.1)] * 2
    space = space_of(found)
    for run in found:
        assert all(run[name] in space[name].choices for name in run)

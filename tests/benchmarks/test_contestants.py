"""Every contestant whose package is here uses up its budget, finds something, and does the same again by its seed."""

import itertools
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace, OrdinalHyperparameter

from benchmarks.contestants import DEAR, MULTI_FIDELITY, NAMES, TOLD, contestant
from benchmarks.meter import Meter
from benchmarks.problems import Problem
from benchmarks.tables.lookup import Lookup
from nas.core.constraints import parse
from tests.fakes import hill, hills, params

BUDGET, DEAR_BUDGET = 20, 12


def problem(max_epochs: int) -> Problem:
    lookup = Lookup(
        hills(), max_epochs, "accuracy", True, lambda config, epochs: hill(dict(config), epochs), {"params": params}
    )
    return Problem("hills", lookup, (parse("params<=1000"), parse("precision>=0.0001")), 1, None, 0.0)


def course(name: str, max_epochs: int, seed: int) -> Meter:
    try:
        enter = contestant(name)
    except ImportError as error:
        pytest.skip(f"{error.name} is not installed: the environment of make bench has it")
    meter = Meter(problem(max_epochs), budget(name))
    enter(meter, seed)
    return meter


def budget(name: str) -> int:
    return DEAR_BUDGET if name in DEAR else BUDGET


@pytest.mark.filterwarnings("ignore")  # of peers
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("max_epochs", [1, 9])
def test_a_contestant_spends_its_budget_and_finds_what_is_feasible(name: str, max_epochs: int) -> None:
    if max_epochs == 1 and name in MULTI_FIDELITY:
        pytest.skip("there is nothing for it without shorter trainings")
    one, again, other = (course(name, max_epochs, seed) for seed in (1, 1, 2))
    assert one.trace and budget(name) - 2 <= one.spent <= budget(name) + 1
    assert one.trace == again.trace != other.trace


@pytest.mark.filterwarnings("ignore")  # of peers
@pytest.mark.parametrize("name", ["Optuna TPE, Hyperband", "Syne Tune ASHA"])
def test_whose_rungs_are_not_ours_is_told_every_epoch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reported, charge = list[int](), Meter.charge

    def noted(meter: Meter, config: Mapping[str, Any], epochs: int) -> None:
        reported.append(epochs)
        charge(meter, config, epochs)

    monkeypatch.setattr(Meter, "charge", noted)
    course(name, 9, 0)
    assert set(reported) == set(range(1, 10))
    assert all(after in (1, before + 1) for before, after in itertools.pairwise(reported))


def test_syne_tune_draws_every_ordinal_value_alike() -> None:
    syne_tune_ask = pytest.importorskip("benchmarks.contestants.syne_tune_ask", exc_type=ImportError)
    rates = OrdinalHyperparameter("rate", [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1])
    random.seed(0)
    np.random.seed(0)
    domain = syne_tune_ask._domain(rates)
    drawn = Counter(domain.sample() for _ in range(6000))
    assert set(drawn) == set(rates.sequence) and all(850 < count < 1150 for count in drawn.values())


@pytest.mark.filterwarnings("ignore")  # of peers
def test_tpe_with_rejection_trains_each_legal_configuration_once_and_ends_where_none_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    optuna_study = pytest.importorskip("benchmarks.contestants.optuna_study", exc_type=ImportError)
    monkeypatch.setattr(optuna_study, "REFUSALS", 3)
    trained = list[tuple[str, int]]()

    def metrics(config: Mapping[str, Any], epochs: int) -> dict[str, float]:
        trained.append((config["kind"], config["width"]))
        return {"accuracy": float(config["width"])}

    space = ConfigurationSpace({"kind": ["a", "b", "c"], "width": [1, 2, 3, 4, 5]})
    lookup = Lookup(space, 1, "accuracy", True, metrics, {"params": lambda config: float(config["width"])})
    meter = Meter(Problem("small", lookup, (parse("params<=4"),), 1, None, 0.0), 50)
    optuna_study.tpe_rejection(meter, 0)
    assert len(trained) == 12 == meter.spent
    assert set(trained) == set(itertools.product("abc", range(1, 5))) and meter.trace[-1][1] == -4


def test_what_the_engine_is_told_costs_nothing_and_is_not_trained_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 1,600 configurations it is told of 1,000: then it is near the best of the others at once."""
    space = ConfigurationSpace()
    space.add(OrdinalHyperparameter(name, list(range(40))) for name in "xy")
    every = [{"x": x, "y": y} for x, y in itertools.product(range(40), range(40))]

    def metrics(config: Mapping[str, Any], epochs: int) -> dict[str, float]:
        return {"accuracy": 1 - ((config["x"] - 23) ** 2 + (config["y"] - 9) ** 2) / 2000}

    lookup = Lookup(space, 1, "accuracy", True, metrics, {}, lambda: every)
    meter, ignorant = (Meter(Problem("grid", lookup, (), 1, -1.0, 0.0), 12) for _ in range(2))
    charged, charge = list[Mapping[str, Any]](), Meter.charge
    monkeypatch.setattr(
        Meter, "charge", lambda self, config, epochs: (charged.append(config), charge(self, config, epochs))
    )
    contestant(TOLD)(meter, 0)
    assert meter.spent == len({tuple(sorted(config.items())) for config in charged}) == 12
    contestant("engine")(ignorant, 0)
    assert meter.trace[-1][1] < min(-0.99, ignorant.trace[-1][1])

"""SMAC3: it has no constraints on results, so they are a penalty; Bayesian optimisation with random forests."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from smac import HyperparameterOptimizationFacade, MultiFidelityFacade, Scenario
from smac.facade.abstract_facade import AbstractFacade

from benchmarks.meter import TRIES, Meter, Spent

_INITIAL = 0.25  # of the trials at most are the initial design: SMAC's own share


def hyperparameter_optimization(meter: Meter, seed: int) -> None:
    """Every configuration trained to the end."""
    _facade(HyperparameterOptimizationFacade, meter, seed, {})


def multi_fidelity(meter: Meter, seed: int) -> None:
    """Hyperband with eta 3."""
    lookup = meter.problem.lookup
    _facade(MultiFidelityFacade, meter, seed, {"min_budget": meter.problem.min_epochs, "max_budget": lookup.max_epochs})


def _facade(facade: type[AbstractFacade], meter: Meter, seed: int, fidelities: Mapping[str, Any]) -> None:
    space = meter.problem.lookup.space

    def train(config: Mapping[str, Any], seed: int = 0, budget: float | None = None) -> float:
        return meter.penalised(config, round(budget) if budget else None)

    with TemporaryDirectory() as folder, suppress(Spent):
        scenario = Scenario(
            space, deterministic=True, n_trials=int(TRIES * meter.budget), seed=seed, output_directory=Path(folder),
            **fidelities,
        )  # fmt: skip
        first = facade.get_initial_design(scenario, n_configs=int(min(10 * len(space), _INITIAL * meter.budget)))
        facade(scenario, train, initial_design=first, overwrite=True, logging_level=50).optimize()

"""Syne Tune's schedulers. They know no constraints, which become a penalty, nor conditions: all is always active."""

import logging
import random
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from itertools import count
from typing import Any

import numpy as np
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    OrdinalHyperparameter,
    UniformIntegerHyperparameter,
)
from ConfigSpace.hyperparameters import Hyperparameter
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, lograndint, loguniform, ordinal, randint, uniform
from syne_tune.optimizer.baselines import ASHA, REA
from syne_tune.optimizer.scheduler import SchedulerDecision
from syne_tune.optimizer.schedulers.ask_tell_scheduler import AskTellScheduler

from benchmarks.meter import Meter, Spent
from nas.strategies.breeding import variation


def regularized_evolution(meter: Meter, seed: int) -> None:
    """Ask and tell, every trial trained to the end."""
    _seed(seed)
    space = meter.problem.lookup.space
    scheduler = AskTellScheduler(REA(_domains(space), "loss", do_minimize=True, random_seed=seed))
    with suppress(Spent):
        while True:
            trial = scheduler.ask()
            scheduler.tell(trial, {"loss": meter.penalised(_config(space, trial.config))})


def asha(meter: Meter, seed: int) -> None:
    """Asynchronous successive halving by one worker, which reports every epoch."""
    logging.getLogger("syne_tune").setLevel(logging.ERROR)
    _seed(seed)
    problem, space = meter.problem, meter.problem.lookup.space
    least, longest = problem.min_epochs, problem.lookup.max_epochs
    scheduler = ASHA(
        _domains(space), "loss", time_attr="epoch", max_t=longest, grace_period=least, reduction_factor=3,
        do_minimize=True, random_seed=seed,
    )  # fmt: skip
    with suppress(Spent):
        for number in count():
            trial = Trial(number, scheduler.suggest().config, datetime.now())
            config = _config(space, trial.config)
            for epochs in range(least, longest + 1):  # nothing is decided before its first rung
                outcome = meter(config, epochs)
                if not outcome.metrics:
                    break  # what breaks a cheap bound never starts: its searcher draws at random and need not be told
                if epochs == least:
                    scheduler.on_trial_add(trial)
                result = {"loss": meter.penalty(outcome), "epoch": epochs}
                if scheduler.on_trial_result(trial, result) != SchedulerDecision.CONTINUE:
                    break


def _seed(seed: int) -> None:
    """Seed what its domains draw from besides the scheduler's own seed."""
    random.seed(seed)
    np.random.seed(seed)


def _domains(space: ConfigurationSpace) -> dict[str, Any]:
    return {name: _domain(hyperparameter) for name, hyperparameter in space.items()}


def _domain(hyperparameter: Hyperparameter[Any, Any]) -> Any:
    if isinstance(hyperparameter, CategoricalHyperparameter):
        return choice(list(hyperparameter.choices))
    if isinstance(hyperparameter, OrdinalHyperparameter):
        return ordinal(list(hyperparameter.sequence), kind="equal")  # else numbers are drawn by their distances
    bounds = hyperparameter.lower, hyperparameter.upper
    if isinstance(hyperparameter, UniformIntegerHyperparameter):
        return lograndint(*bounds) if hyperparameter.log else randint(*bounds)
    return loguniform(*bounds) if hyperparameter.log else uniform(*bounds)


def _config(space: ConfigurationSpace, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration without what is inactive."""
    return dict(variation.complete(variation.Draws(space, np.random.RandomState(0)), values).values)

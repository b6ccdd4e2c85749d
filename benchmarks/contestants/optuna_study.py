"""Optuna, define-by-run: constraints by Trial.set_constraint, those known before training set before it."""

from contextlib import suppress
from typing import Any

import numpy as np
import optuna
from ConfigSpace import CategoricalHyperparameter, OrdinalHyperparameter, UniformIntegerHyperparameter
from ConfigSpace.hyperparameters import Hyperparameter

from benchmarks.meter import Meter, Outcome, Spent
from benchmarks.problems import Problem

REFUSALS = 100  # suggestions in a row that are set aside before chance takes over


def tpe(meter: Meter, seed: int) -> None:
    """Tree-structured Parzen estimators with their defaults, every trial trained to the end."""
    _study(meter, _parzen(meter.problem, seed), optuna.pruners.NopPruner())


def tpe_rejection(meter: Meter, seed: int) -> None:
    """The same where the user checks a suggestion before it is trained.

    What breaks a cheap constraint or was trained is set aside as a failed trial, which TPE ignores. After REFUSALS in
    a row they are drawn at random; where a hundred times as many give nothing new, nothing new is taken to be left.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    parzen, at_random = _parzen(meter.problem, seed), optuna.samplers.RandomSampler(seed)
    study, refused = optuna.create_study(), 0
    with suppress(Spent):
        while refused < 100 * REFUSALS:
            study.sampler = parzen if refused < REFUSALS else at_random
            trial = study.ask()
            config = suggested(trial, meter.problem)
            if not meter.is_new(config):
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
                refused += 1
                continue
            refused, outcome = 0, meter(config)
            _bound(trial, meter.problem, outcome)
            study.tell(trial, outcome.loss)


def gaussian_process(meter: Meter, seed: int) -> None:
    """Gaussian processes of loss and constraints with their defaults."""
    _study(meter, optuna.samplers.GPSampler(seed=seed), optuna.pruners.NopPruner())


def nsga2(meter: Meter, seed: int) -> None:
    """NSGA-II with its defaults: feasible ones dominate."""
    _study(meter, optuna.samplers.NSGAIISampler(seed=seed), optuna.pruners.NopPruner())


def tpe_hyperband(meter: Meter, seed: int) -> None:
    """TPE, trials that report every epoch stopped by the Hyperband pruner, which knows nothing of constraints."""
    least = meter.problem.min_epochs
    pruner = optuna.pruners.HyperbandPruner(least, meter.problem.lookup.max_epochs, reduction_factor=3)
    _study(meter, _parzen(meter.problem, seed), pruner, f"{meter.problem.name}, seed {seed}", least)


def _parzen(problem: Problem, seed: int) -> optuna.samplers.TPESampler:
    """Return TPE, with an estimator for each group of hyperparameters where some are conditional, as Optuna advises."""
    return optuna.samplers.TPESampler(seed=seed, group=bool(problem.lookup.space.conditions))


def _study(
    meter: Meter,
    sampler: optuna.samplers.BaseSampler,
    pruner: optuna.pruners.BasePruner,
    name: str | None = None,
    first_report: int | None = None,
) -> None:
    """Optimise; every trial reports each epoch from `first_report` on, or its last one alone.

    Hyperband's brackets go by the `name`.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    problem, last = meter.problem, meter.problem.lookup.max_epochs

    def objective(trial: optuna.Trial) -> float:
        config = suggested(trial, problem)
        for epochs in range(first_report or last, last + 1):
            outcome = meter(config, epochs)
            if not outcome.metrics:
                break
            trial.report(outcome.loss, epochs)
            if trial.should_prune():
                _bound(trial, problem, outcome)
                raise optuna.TrialPruned
        _bound(trial, problem, outcome)
        return outcome.loss if outcome.metrics else problem.worst  # ranked by its violation

    study = optuna.create_study(sampler=sampler, pruner=pruner, study_name=name)
    with suppress(Spent):
        study.optimize(objective)


def _bound(trial: optuna.Trial, problem: Problem, outcome: Outcome) -> None:
    for constraint, miss in zip(problem.constraints, outcome.misses, strict=True):
        trial.set_constraint(constraint.metric, miss)


def suggested(trial: optuna.Trial, problem: Problem) -> dict[str, Any]:
    """Return a configuration: conditions are what the code around the suggestions decides."""
    space, config = problem.lookup.space, dict[str, Any]()
    vector = np.full(len(space), np.nan)
    for name, hyperparameter in space.items():
        if all(condition.satisfied_by_vector(vector) for condition in space.parent_conditions_of[name]):
            config[name] = _suggest(trial, hyperparameter)
            vector[space.index_of[name]] = hyperparameter.to_vector(config[name])
    return config


def _suggest(trial: optuna.Trial, hyperparameter: Hyperparameter[Any, Any]) -> Any:
    name = hyperparameter.name
    if isinstance(hyperparameter, OrdinalHyperparameter):
        return hyperparameter.sequence[trial.suggest_int(name, 0, len(hyperparameter.sequence) - 1)]
    if isinstance(hyperparameter, CategoricalHyperparameter):
        return hyperparameter.choices[trial.suggest_categorical(name, range(len(hyperparameter.choices)))]
    suggest = trial.suggest_int if isinstance(hyperparameter, UniformIntegerHyperparameter) else trial.suggest_float
    return suggest(name, hyperparameter.lower, hyperparameter.upper, log=hyperparameter.log)

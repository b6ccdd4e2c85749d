"""How does a run become a study of Optuna, for optuna-dashboard and Optuna's plots?"""

import warnings
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from nas.core.extra import extra
from nas.core.plain import canonical
from nas.core.types import Result, Status
from nas.runs.stored import StoredRun

_CONSTRAINTS = "constraints"  # Optuna's key, in the form that every version and the dashboard know: a list
Progress = Callable[[list[Any]], Iterable[Any]]


def database(run: StoredRun, name: str, progress: Progress) -> bytes:
    """Return what an SQLite file holds: one study called `name`, one trial for each trial of the search.

    Trained to the end is COMPLETE, stopped at a rung PRUNED, anything that went wrong FAIL. The repetitions that
    confirmed a trial at the end are an attribute of that trial: as trials of their own they would take part in Optuna's
    choice of the best, which then is whichever evaluation was the luckiest.
    """
    optuna = extra("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage("sqlite://")  # in memory, where no disk is full and no commit waits for it
    direction = "maximize" if run.spec.maximize else "minimize"
    study = optuna.create_study(study_name=name, storage=storage, direction=direction)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Optuna, that the names of metrics are new
        study.set_metric_names([run.spec.objective])
    for key, value in _about(run).items():
        study.set_user_attr(key, value)
    for trial in progress(trials(run)):
        study.add_trial(trial)
    storage.remove_session()
    content: bytes = storage.engine.raw_connection().driver_connection.serialize()
    return content


def trials(run: StoredRun) -> list[Any]:
    """Return the trials of the search as Optuna's."""
    rungs, again = dict[str, list[Result]](), dict[str, list[Result]]()
    for result in run.results:
        rungs.setdefault(result.job.trial.id, []).append(result)
    for result in run.repetitions:
        again.setdefault(result.job.trial.repeats, []).append(result)
    began = datetime.fromtimestamp((run.directory / "spec.json").stat().st_mtime)
    space = {each["name"]: _distribution(each) for each in run.spec.space["hyperparameters"]}
    return [_trial(run, results, again.get(id, []), space, began) for id, results in rungs.items()]


def _trial(run: StoredRun, rungs: list[Result], again: list[Result], space: dict[str, Any], began: datetime) -> Any:
    """Return a trial with its results at the rungs. Its times are those of the search, pauses left out."""
    optuna = extra("optuna")
    last, objective = rungs[-1], run.spec.objective
    failed = last.status is not Status.OK
    states = optuna.trial.TrialState
    ended = states.COMPLETE if last.epochs == run.spec.max_epochs else states.PRUNED
    # A failed trial has no bounds that hold or not, and infinity is not JSON.
    violations = [c.violation(last.metrics[c.metric]) for c in run.spec.constraints] if not failed else []
    return optuna.trial.FrozenTrial(
        number=-1,
        trial_id=-1,
        state=states.FAIL if failed else ended,
        value=None if failed else last.metrics[objective],
        datetime_start=began + timedelta(seconds=rungs[0].elapsed - rungs[0].seconds),
        datetime_complete=began + timedelta(seconds=last.elapsed),
        params=last.config,
        distributions={name: space[name] for name in last.config},
        user_attrs=_attributes(rungs, again),
        system_attrs={_CONSTRAINTS: violations} if violations else {},
        intermediate_values={r.epochs: r.metrics[objective] for r in rungs if r.status is Status.OK},
    )


def _attributes(rungs: list[Result], again: list[Result]) -> dict[str, Any]:
    """Return what Optuna has no place for; the dashboard shows each as a column."""
    last, trial = rungs[-1], rungs[-1].job.trial
    told = {
        "trial": trial.id, "status": str(last.status), "epochs": last.epochs, "operator": trial.operator,
        "parents": list(trial.parents), "feasible": last.feasible, "seconds": sum(result.seconds for result in rungs),
    }  # fmt: skip
    if last.error:
        told["error"] = last.error
    if again:
        told["trained_again"] = canonical([result.metrics for result in again])
    return told | {f"metric.{name}": value for name, value in last.metrics.items()}


def _about(run: StoredRun) -> dict[str, Any]:
    """Return what was asked."""
    spec = run.spec
    return {
        "constraints": [str(constraint) for constraint in spec.constraints], "objective": spec.objective,
        "strategy": spec.strategy.name, "scheduler": spec.scheduler.name, "seed": spec.seed,
        "data": spec.details.get("data"), "space": spec.details.get("space"),
        "incumbent": run.best.job.trial.id if run.best else None,
    }  # fmt: skip


def _distribution(hyperparameter: dict[str, Any]) -> Any:
    """Return Optuna's distribution over the values of one of ConfigSpace; an order of choices is lost."""
    distributions = extra("optuna").distributions
    if "lower" in hyperparameter:
        whole = "int" in hyperparameter["type"]
        kind = distributions.IntDistribution if whole else distributions.FloatDistribution
        return kind(hyperparameter["lower"], hyperparameter["upper"], log=hyperparameter["log"])
    values = hyperparameter.get("choices", hyperparameter.get("sequence", [hyperparameter.get("value")]))
    return distributions.CategoricalDistribution(values)

"""The library: `nas.search(space, train, ...)` returns a `Run`. The command line is a client of it."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas.asked import Limits, Machine, Measure, Search, check_names, parts_of
from nas.core.constraints import Constraint
from nas.core.kinds import check
from nas.core.numbers import whole
from nas.core.spec import idle
from nas.core.units import seconds
from nas.engine import conduct
from nas.engine.executors.perform import Train
from nas.engine.watchers import Callback, Tracker
from nas.history.experience import experience
from nas.runs.earlier import parameters_begun
from nas.runs.run import Run
from nas.spaces.initial import checked, named
from nas.trackers.console import Console, watched

_MACHINE = [each.name for each in fields(Machine)]
_log = logging.getLogger(__name__)


def search(
    space: ConfigurationSpace,
    train: Train,
    *,
    measure: Measure = None,
    objective: str = "accuracy",
    maximize: bool = True,
    constraints: Iterable[str | Constraint] = (),
    strategy: object = "evolution",
    scheduler: object = "halving",
    seed: int = 0,
    max_time: float | str | None = None,
    max_trials: int | None = None,
    max_total_epochs: int | None = None,
    confirm: int = 0,
    initial: Iterable[Mapping[str, Any]] = (),
    default: Mapping[str, Any] | None = None,
    history: str | Path | None = None,
    run_dir: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
    verbose: bool | None = None,
    **parameters: Any,
) -> Run:
    """Return the best configurations of `space` that meet `constraints`, found within the limits.

    What is searched: `train` trains a configuration and returns metrics, as `nas.Train` says. `measure(config)` returns
    the cheap metrics, known before training; or `measure` maps each of their names to a function, called only when
    needed. `constraints` are strings such as "precision>=0.39". More of the `objective` is better where `maximize`.
    `initial` configurations that are known to be good, and `default` before them, are trained first and to the full
    budget. `history` is a file of learning curves of earlier tasks (`nas history`), which every strategy begins from.

    How: `strategy` and `scheduler` are names, mappings such as {"name": "evolution", "population": 20}, or parts; a
    strategy may be a coroutine function of yours. Their parameters may be given here by name: `max_epochs=27`,
    `population=20`, `model="none"`. `nas parts` lists them. At the end `confirm` of the best feasible trials are
    trained again with other seeds, within their share of the limits, and all evaluations decide on `best`; an attribute
    `again` of `train`, if there, trains those.

    Where: in this process, or as the fields of `nas.Machine` say, each given by name: `workers=4`, `gpus=["0", "1"]`,
    `cluster="tcp://HOST:8786"`, `trial_timeout="10m"`. Under `full`, `offspring=4` keeps four workers busy. `max_time`
    is in seconds or a string such as "5m".

    With `run_dir` the run is written there, and goes on when it exists: limits cover all its parts. One that has ended
    goes on where they allow more than before, and its history begins with the one it had. Ctrl-C ends the search, not
    the program: the run so far is returned. SIGTERM, SIGUSR1 and SIGUSR2 do so at the next result.

    Who looks on: each of `callbacks` is given every new result; one that returns True stops the search there, and what
    it raises is raised here. Progress is shown at a terminal and in a notebook; `verbose=True` shows it anywhere,
    `verbose=False` never.

    Raises Corrupt, DiskFull, InUse and ClusterLost, each a UserError, and UserError for arguments that make
    no sense, for an unknown metric, and where not one in a thousand samples of the space meets the cheap constraints.
    """
    scheduler = parameters.pop("budget", scheduler)  # as it was called before
    check_names(parameters, [*_MACHINE, "details", "trackers"], "nas.search")
    check({**locals(), **parameters})
    directory = Path(run_dir) if run_dir is not None else None
    parameters = parameters_begun(directory, strategy, scheduler) | parameters
    machine = Machine(**{name: parameters[name] for name in _MACHINE if name in parameters})
    asked = composed(
        space, train, parameters, measure=measure, objective=objective, maximize=maximize, constraints=constraints,
        strategy=strategy, scheduler=scheduler, seed=seed, confirm=confirm, initial=initial, default=default,
        experience=experience(history, space, directory),
        limits=Limits(max_time, max_trials, max_total_epochs),
        machine=replace(machine, workers=whole("workers", machine.workers, 0)),
    )  # fmt: skip
    return run(asked, run_dir, parameters.get("trackers", ()), callbacks, verbose)


def composed(
    space: ConfigurationSpace,
    train: Train,
    parameters: Mapping[str, Any],
    *,
    strategy: object,
    scheduler: object,
    initial: Iterable[Mapping[str, Any]],
    default: Mapping[str, Any] | None,
    **others: Any,
) -> Search:
    """Return what is asked for, the `parameters` given to the parts that have them, the `default` trained first."""
    chosen, schedule = parts_of(strategy, scheduler, parameters)
    first, details = checked(space, named(initial, default)), dict(parameters.get("details") or {})
    return Search(
        space, train, strategy=chosen, scheduler=schedule, initial=first, default=default, details=details, **others
    )


def run(
    asked: Search,
    run_dir: str | Path | None = None,
    trackers: Sequence[Tracker] = (),
    callbacks: Sequence[Callback] = (),
    verbose: bool | None = None,
) -> Run:
    """Return what comes of the search that is `asked` for, as `search` does."""
    spec, limit = asked.spec(), seconds(asked.limits.time)
    directory = Path(run_dir).absolute() if run_dir is not None else None  # who measures may change the folder
    flag, most = idle(asked.strategy, asked.scheduler, asked.machine.workers)
    if flag:
        told = "%d workers, but %d training%s at a time: %s=%d keeps all at work"
        _log.warning(told, asked.machine.workers, most, "s" * (most > 1), flag, asked.machine.workers)
    executor = asked.machine.executor(asked.train)
    speaks = watched() if verbose is None else verbose
    with Console(limit, quiet=not speaks) as console:
        around = conduct.Surroundings(limit, directory, None, (console, *trackers), callbacks)
        work = conduct.Search(spec, asked.space, asked.measures, executor, asked.experience)
        return conduct.conduct(work, around)

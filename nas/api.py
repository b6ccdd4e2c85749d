"""The library: `nas.search(space, train, ...)` returns a `Run`. The command line is a client of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas.core import constraints as bounds
from nas.core.directions import sensible
from nas.core.kinds import check
from nas.core.numbers import whole
from nas.core.spec import RunSpec, described, first_rung
from nas.core.units import seconds
from nas.engine.cheap import Measures, measures_of
from nas.engine.conduct import Search, conduct
from nas.engine.executors import Executor
from nas.engine.executors.cluster import Cluster
from nas.engine.executors.inline import Inline
from nas.engine.executors.perform import Train
from nas.engine.executors.workers import Workers, pickled
from nas.engine.lab import Callback, Surroundings, Tracker
from nas.runs.run import Run
from nas.spaces.initial import checked, named
from nas.trackers.console import Console, watched


def search(
    space: ConfigurationSpace,
    train: Train,
    *,
    measure: Callable[[dict[str, Any]], Mapping[str, float]] | Measures | None = None,
    objective: str = "accuracy",
    maximize: bool = True,
    constraints: Iterable[str | bounds.Constraint] = (),
    strategy: str = "evolution",
    budget: str = "halving",
    max_epochs: int = 50,
    min_epochs: int | None = None,
    eta: int = 2,
    population: int = 50,
    offspring: int = 10,
    mutation_rate: float = 0.5,
    model: str = "forest",
    seed: int = 0,
    max_time: float | str | None = None,
    max_trials: int | None = None,
    max_total_epochs: int | None = None,
    workers: int = 0,
    gpus: Sequence[str] = (),
    cluster: str | None = None,
    cluster_resources: Mapping[str, float] | None = None,
    trial_timeout: float | str | None = None,
    lanes: int = 4,
    confirm: int = 0,
    run_dir: str | Path | None = None,
    initial: Iterable[Mapping[str, Any]] = (),
    default: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
    command: Sequence[str] = (),
    trackers: Sequence[Tracker] = (),
    callbacks: Sequence[Callback] = (),
    verbose: bool | None = None,
) -> Run:
    """Return the best configurations of `space` that meet `constraints`, found within the limits.

    What is searched: `train` trains a configuration and returns metrics, as `nas.Train` says. `measure(config)` returns
    the cheap metrics, known before training; or `measure` maps each of their names to a function, called only when
    needed. `constraints` are strings such as "precision>=0.39". More of the `objective` is better where `maximize`.
    `initial` configurations that are known to be good, and `default` before them, are trained first and to the full
    budget.

    How: with `model="none"` evolution breeds without asking a forest which children are promising. With `budget="asha"`
    `lanes` trials train at a time, in virtual time. At the end `confirm` of the best feasible trials are trained again
    with other seeds, within their share of the limits, and all evaluations decide on `best`; an attribute `again` of
    `train`, if there, trains those.

    Where: in this process, or in so many `workers`, which take turns on `gpus`, values for CUDA_VISIBLE_DEVICES.
    `cluster` is the address of a Dask scheduler, or "local:N", and `cluster_resources` what a job needs of its workers.
    A job that takes longer than `trial_timeout` ends as TIMEOUT. `max_time` is in seconds or a string such as "5m".

    With `run_dir` the run is written there, and goes on when it exists: limits cover all its parts. One that has ended
    goes on where they allow more than before, and its history begins with the one it had. Ctrl-C ends the search, not
    the program: the run so far is returned. SIGTERM, SIGUSR1 and SIGUSR2 do so at the next result. `command` are the
    words that `nas resume` reads back.

    Who looks on: each of `callbacks` is given every new result; one that returns True stops the search there, and what
    it raises is raised here. Progress is shown at a terminal and in a notebook; `verbose=True` shows it anywhere,
    `verbose=False` never.

    Raises Corrupt, DiskFull, InUse and ClusterLost, each a UserError, and UserError for arguments that make
    no sense, for an unknown metric, and where not one in a thousand samples of the space meets the cheap constraints.
    """
    check(locals())
    spec = asked(
        space,
        objective=objective,
        maximize=maximize,
        constraints=constraints,
        strategy=strategy,
        budget=budget,
        max_epochs=max_epochs,
        min_epochs=min_epochs,
        eta=eta,
        population=population,
        offspring=offspring,
        mutation_rate=mutation_rate,
        model=model,
        seed=seed,
        max_trials=max_trials,
        max_total_epochs=max_total_epochs,
        lanes=lanes,
        confirm=confirm,
        initial=checked(space, named(initial, default)),
        default=default,
        details=details,
    )
    limit, timeout = seconds(max_time), seconds(trial_timeout)
    directory = Path(run_dir).absolute() if run_dir is not None else None  # who measures may change the folder
    executor = executor_for(train, whole("workers", workers, 0), gpus, cluster, cluster_resources, timeout)
    speaks = watched() if verbose is None else verbose
    with Console(limit, quiet=not speaks) as console:
        around = Surroundings(limit, directory, command, (console, *trackers), callbacks)
        return conduct(Search(spec, space, measures_of(measure, space), executor), around)


def asked(
    space: ConfigurationSpace,
    *,
    constraints: Iterable[str | bounds.Constraint],
    budget: str,
    min_epochs: int | None,
    max_epochs: int,
    lanes: int,
    default: Mapping[str, Any] | None,
    details: Mapping[str, Any] | None,
    **others: Any,
) -> RunSpec:
    """Return what the arguments of `search` ask for. Raises UserError where they make no sense."""
    return RunSpec(
        space=described(space),
        constraints=sensible(bounds.given(constraints), others["objective"], others["maximize"]),
        budget=budget,
        min_epochs=first_rung(min_epochs, max_epochs, budget),
        max_epochs=max_epochs,
        lanes=lanes if budget == "asha" else None,
        default=dict(default or {}),
        details=dict(details or {}),
        **others,
    )


def executor_for(
    train: Train,
    workers: int,
    gpus: Sequence[str],
    cluster: str | None,
    resources: Mapping[str, float] | None,
    timeout: float | None,
) -> Executor:
    """Return where jobs run: on a cluster, in workers that take the GPUs in turn, or here."""
    if cluster:
        return Cluster(train, cluster, resources, timeout)
    if workers:
        environments = [{"CUDA_VISIBLE_DEVICES": gpus[i % len(gpus)]} if gpus else {} for i in range(workers)]
        return Workers(pickled(train), environments, timeout)
    return Inline(train, timeout)

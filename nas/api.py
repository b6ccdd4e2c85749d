"""The library: `nas.search(space, train, ...)` returns a `Run`. The command line is a client of it."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas import constraints as bounds
from nas.cheap import Measures
from nas.checkpoints import Checkpoints
from nas.confirmation import Confirmed, Estimate, incumbent, of_incumbent, overtaken
from nas.drive import drive, goes_on
from nas.engine import Lab, Tracker
from nas.errors import UserError
from nas.executors import Executor
from nas.executors.cluster import Cluster
from nas.executors.inline import Inline
from nas.executors.perform import Train
from nas.executors.workers import Workers, pickled
from nas.folder import begun, read_end, remember, write_end, write_history
from nas.ledger import Ledger
from nas.signals import deaf_to_ctrl_c
from nas.spec import RunSpec, described
from nas.types import Result
from nas.units import seconds


@dataclass(frozen=True)
class Run:
    """What a search leaves. `trials` holds every result, one a rung, in logical order."""

    spec: RunSpec
    trials: list[Result]
    stopped: str
    redraws: Counter[str] = field(default_factory=Counter)
    run_dir: Path | None = None
    checkpoint_bytes: int = 0  # the most that checkpoints took at a time

    @property
    def best(self) -> Result | None:
        """The incumbent: the best feasible result at full budget, else the one with the smallest violation.

        Where the few best were trained again, all their evaluations count.
        """
        return incumbent(self.trials, self.spec)

    @property
    def overtaken(self) -> Confirmed | None:
        """The best of the search, where being trained again made another the incumbent."""
        return overtaken(self.trials, self.spec)

    @property
    def confirmation(self) -> Estimate | None:
        """What the incumbent reached when it was trained again; None where it was not, or never came to an end."""
        return of_incumbent(self.trials, self.spec)

    @property
    def total_epochs(self) -> int:
        """Epochs trained in all."""
        return sum(result.job.stop - result.job.start for result in self.trials)


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
    min_epochs: int = 2,
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
    default: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
    command: Sequence[str] = (),
    trackers: Sequence[Tracker] = (),
) -> Run:
    """Return the best configurations of `space` that meet `constraints`, found within the limits.

    `train(config, *, epochs, start, seed, checkpoint)` trains from `start` to `epochs` in all and returns a dict of
    metrics; it may keep its state at the path `checkpoint`, where it finds it again when `start` is not 0. It may raise
    `nas.Diverged`; whatever else it raises fails that trial only. `measure(config)` returns the cheap metrics, known
    before training; or `measure` maps each of their names to a function, called only when needed.

    With `model="none"` evolution breeds without asking a forest which children are promising.

    `constraints` are strings such as "precision>=0.39". `max_time` is in seconds or a string such as "5m". With
    `workers` processes, `train` must be importable by them; they take turns on `gpus`, values for
    CUDA_VISIBLE_DEVICES. `cluster` is the address of a Dask scheduler, or "local:N", and `cluster_resources` what a
    job needs of its workers. A job that takes longer than `trial_timeout` ends as TIMEOUT. With `budget="asha"`
    `lanes` trials train at a time, in virtual time. At the end `confirm` of the best feasible trials are trained again
    with other seeds, within their share of the limits, and all evaluations decide on `best`; an attribute `again` of
    `train`, if there, trains those. With `run_dir` the run is written there, and goes on when it
    exists: `max_time` then covers all its parts. Ctrl-C ends the search, not the program: the run so far is returned.
    SIGTERM, SIGUSR1 and SIGUSR2 do so at the next result. `command` are the words that `nas resume` reads back.

    Raises Corrupt, DiskFull, InUse and ClusterLost, each a UserError, and UserError for arguments that make
    no sense, for an unknown metric, and where not one in a thousand samples of the space meets the cheap constraints.
    """
    parsed = tuple(bounds.parse(c) if isinstance(c, str) else c for c in constraints)
    spec = RunSpec(
        space=described(space),
        objective=objective,
        maximize=maximize,
        constraints=parsed,
        strategy=strategy,
        budget=budget,
        max_epochs=max_epochs,
        min_epochs=min(min_epochs, max_epochs) if budget == "full" else min_epochs,
        eta=eta,
        population=population,
        offspring=offspring,
        mutation_rate=mutation_rate,
        model=model,
        seed=seed,
        max_trials=max_trials,
        max_total_epochs=max_total_epochs,
        lanes=lanes if budget == "asha" else None,
        confirm=confirm,
        default=dict(default or {}),
        details=dict(details or {}),
    )
    if workers < 0:
        raise UserError(f"workers is {workers}, but must be 0 (in this process) or more")
    limit, timeout = seconds(max_time), seconds(trial_timeout)
    if limit is None and max_trials is None and max_total_epochs is None and strategy != "default":
        raise UserError("the search has no end: give max_time, max_trials or max_total_epochs")
    with contextlib.closing(_executor(train, workers, gpus, cluster, cluster_resources, timeout)) as executor:
        directory = Path(run_dir) if run_dir is not None else None
        with (
            begun(directory, spec) as journal,
            contextlib.closing(Checkpoints(directory / "checkpoints" if directory else None)) as checkpoints,
        ):
            ledger = Ledger(spec, journal, read_end(directory)[1])
            lab = Lab(spec, space, _measures(measure, space), ledger, checkpoints, executor, trackers, directory)
            if directory and command:
                remember(directory, command)
            stopped = drive(lab, limit)
            with deaf_to_ctrl_c():
                executor.close()
                checkpoints.sweep(lab.dropped if goes_on(stopped) else None)
                run = Run(spec, lab.history, stopped, lab.redraws.totals, directory, checkpoints.peak)
                if directory:
                    write_history(directory / "history.jsonl", run.trials)
                    write_end(directory, stopped, ledger.elapsed)
    return run


def _executor(
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


def _measures(
    measure: Callable[[dict[str, Any]], Mapping[str, float]] | Measures | None, space: ConfigurationSpace
) -> Measures:
    """Return cheap metrics by name; a single function is called once a configuration."""
    if measure is None or isinstance(measure, Mapping):
        return measure or {}
    names = list(measure(dict(space.get_default_configuration())))
    last: dict[str, Any] = {}

    def value(name: str, config: dict[str, Any]) -> float:
        if last.get("config") != config:
            last.update(config=config, values=measure(config))
        return float(last["values"][name])

    return {name: partial(value, name) for name in names}

"""The library: `nas.search(space, train, ...)` returns a `Run`. The command line is a client of it."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas import constraints as bounds
from nas import ranking
from nas.checkpoints import Checkpoints
from nas.engine import Lab, Measures, Tracker
from nas.errors import Interrupted, OutOfTime, UserError
from nas.executors import Executor, Inline, Train, Workers, deaf_to_ctrl_c
from nas.journal import Journal, write_atomically
from nas.spec import RunSpec, described
from nas.strategies import STRATEGIES
from nas.types import Result, canonical
from nas.units import seconds


@dataclass(frozen=True)
class Run:
    """What a search leaves. `trials` holds every result, one a rung, in logical order."""

    spec: RunSpec
    trials: list[Result]
    stopped: str
    redraws: dict[str, int] = field(default_factory=dict)
    run_dir: Path | None = None

    @property
    def best(self) -> Result | None:
        """The incumbent: the best feasible result at full budget, else the one with the smallest violation."""
        return ranking.incumbent(self.trials)

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
    budget: str = "hyperband",
    max_epochs: int = 50,
    min_epochs: int = 2,
    eta: int = 2,
    population: int = 50,
    offspring: int = 10,
    mutation_rate: float = 0.5,
    seed: int = 0,
    max_time: float | str | None = None,
    max_trials: int | None = None,
    max_total_epochs: int | None = None,
    workers: int = 0,
    run_dir: str | Path | None = None,
    default: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
    trackers: Sequence[Tracker] = (),
) -> Run:
    """Return the best configurations of `space` that meet `constraints`, found within the limits.

    `train(config, *, epochs, start, seed, checkpoint)` trains from `start` to `epochs` in all and returns a dict of
    metrics; it may keep its state at the path `checkpoint`, where it finds it again when `start` is not 0. It may raise
    `nas.Diverged`; whatever else it raises fails that trial only. `measure(config)` returns the cheap metrics, known
    before training; or `measure` maps each of their names to a function, called only when needed.

    `constraints` are strings such as "precision>=0.39". `max_time` is in seconds or a string such as "5m". With
    `workers` processes, `train` must be importable by them. With `run_dir` the run is written there, and goes on when
    it exists. Ctrl-C ends the search, not the program: the run so far is returned.

    Raises UserError for arguments that make no sense, for an unknown metric, and where not one in a thousand samples
    of the space meets the cheap constraints.
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
        seed=seed,
        max_trials=max_trials,
        max_total_epochs=max_total_epochs,
        default=dict(default or {}),
        details=dict(details or {}),
    )
    if workers < 0:
        raise UserError(f"workers is {workers}, but must be 0 (in this process) or more")
    limit = seconds(max_time)
    if limit is None and max_trials is None and max_total_epochs is None and strategy != "default":
        raise UserError("the search has no end: give max_time, max_trials or max_total_epochs")
    deadline = time.monotonic() + (limit if limit is not None else float("inf"))
    executor: Executor = Workers(train, workers) if workers else Inline(train, deadline)
    directory = _open(run_dir, spec)
    with (
        Journal(directory / "journal.jsonl" if directory else None) as journal,
        contextlib.closing(Checkpoints(directory / "checkpoints" if directory else None)) as checkpoints,
        contextlib.closing(executor),
    ):
        lab = Lab(spec, space, _measures(measure, space), journal, checkpoints, executor, trackers)
        try:
            stopped = _drive(lab, deadline)
        except UserError:
            if directory and not journal.records:
                _discard(directory)
            raise
        with deaf_to_ctrl_c():
            executor.close()
            run = Run(spec, lab.history, stopped, dict(lab.redraws), directory)
            if directory:
                write_history(run, directory)
    return run


def _drive(lab: Lab, deadline: float) -> str:
    """Run the strategy to its end and return what ended it."""

    async def strategy() -> str:
        left = None if deadline == float("inf") else max(0.0, deadline - time.monotonic())
        try:
            async with asyncio.timeout(left):
                await STRATEGIES[lab.spec.strategy](lab)
        except (TimeoutError, OutOfTime):
            return "time limit"
        except Interrupted:
            return "interrupted"
        limited = lab.spec.strategy != "default" and not lab.affordable(lab.spec.brackets)
        return "limit on trials or epochs" if limited else "nothing left to try"

    try:
        return _beside_a_loop(strategy()) if _in_a_loop() else asyncio.run(strategy())
    except KeyboardInterrupt:
        return "interrupted"


def _in_a_loop() -> bool:
    """Return whether the caller is in an event loop already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _beside_a_loop(strategy: Coroutine[Any, Any, str]) -> str:
    """Run the strategy in a loop of its own, in a thread; Ctrl-C ends it after the job at hand."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(strategy)
    with ThreadPoolExecutor(1) as thread, contextlib.closing(loop):
        ended = thread.submit(loop.run_until_complete, task)
        try:
            return ended.result()
        except KeyboardInterrupt:
            loop.call_soon_threadsafe(task.cancel)
            wait([ended])
            raise


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


def _open(run_dir: str | Path | None, spec: RunSpec) -> Path | None:
    """Return the run's folder with its spec.json written. Raises UserError where another run lies there."""
    if run_dir is None:
        return None
    directory = Path(run_dir)
    file, text = directory / "spec.json", canonical(spec.to_json())
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            write_atomically(file, json.dumps(json.loads(text), indent=1) + "\n")
    except OSError as error:
        raise UserError(f"the run folder {directory} cannot be written: {error.strerror}") from None
    try:
        before, now = json.loads(file.read_text()), json.loads(text)
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read ({error}): choose another name for the run") from None
    if before != now:
        raise UserError(f"{directory} holds another run, with {_difference(before, now)}: choose another name")
    return directory


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Return what differs, one level into dictionaries: "eta 2, now 3; data digits, now digits-m"."""
    changes = list[str]()
    for key in dict.fromkeys([*before, *now]):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict) and key != "space":
            changes += [_difference(old, new)] if old != new else []
        elif old != new:
            changes.append(f"another {key}" if key == "space" else f"{key} {old}, now {new}")
    return "; ".join(changes)


def _discard(directory: Path) -> None:
    """Remove the folder of a run that could not begin."""
    for name in ("spec.json", "journal.jsonl"):
        (directory / name).unlink()
    with contextlib.suppress(OSError):  # it held something of the user's before
        directory.rmdir()


def write_history(run: Run, directory: Path) -> None:
    """Write history.jsonl: every result in logical order, without clocks. Equal runs give equal bytes."""
    lines = []
    for result in run.trials:
        record = result.to_json()
        del record["seconds"], record["checkpointed"]
        lines.append(canonical(record) + "\n")
    write_atomically(directory / "history.jsonl", "".join(lines))

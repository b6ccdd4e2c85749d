"""What values pass between the parts? Configurations, trials, jobs and results: frozen, with a JSON form."""

import hashlib
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

from nas.core.errors import UserError
from nas.core.plain import canonical, plain, read_back, written

Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | None"
Key: TypeAlias = tuple[str, int]  # of a result: the id of its trial and the epochs it has reached
Order: TypeAlias = tuple[int, ...]  # a place among others, compared number by number
Curve: TypeAlias = dict[int, dict[str, float]]  # metrics after each epoch that was looked at, in order of the epochs
REPEAT = "repeat"  # the operator of a trial that confirms another


@dataclass(frozen=True)
class Config:
    """The values of the active hyperparameters, sorted by name."""

    items: tuple[tuple[str, Value], ...]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Config":
        """Return the configuration of `values`, NumPy scalars turned into Python's own, lists into tuples."""
        native = {name: plain(value) for name, value in values.items()}
        return cls(tuple((sys.intern(name), native[name]) for name in sorted(native)))  # names are in memory once

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits: the hash of the canonical JSON."""
        return hashlib.blake2b(canonical(written(self.values)).encode(), digest_size=8).hexdigest()

    @property
    def values(self) -> dict[str, Value]:
        return dict(self.items)


@lru_cache(1 << 10)
def order_of(trial_id: str) -> Order:
    """Return the order that an id says itself, nothing where it is free text.

    (3, 1, 7) of "g3.b1.7": generation, bracket, number. (1, 3, 1, 7) of "g3.b1.7.r1", its first repetition.
    """
    said = _ORDERED.fullmatch(trial_id)
    if not said:
        return ()
    generation, bracket, number, repetition = said.groups()
    place = int(generation), int(bracket), int(number)
    return (int(repetition), *place) if repetition else place


def _is_order(order: object) -> bool:
    """Return whether `order` is a place among others: whole numbers from 0 on, at least one."""
    if not isinstance(order, tuple) or not order:
        return False
    return all(type(number) is int and 0 <= number < 1 << 63 for number in order)


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration with its id, seed and origin.

    `order` is its place: the last number is that in its bracket, those before say which bracket. An id such as
    "g3.b1.7" says it by itself. Of a repetition it is its number and then the order of what it repeats.
    """

    id: str
    config: Config
    seed: int
    operator: str = "sample"
    parents: tuple[str, ...] = ()
    cheap: tuple[tuple[str, float], ...] = ()
    order: Order = ()

    def __post_init__(self) -> None:
        """Raise UserError for an order that is none."""
        said = () if self.order else order_of(self.id)
        if said:
            object.__setattr__(self, "order", said)
        elif not _is_order(self.order):
            raise UserError(
                f"the order of trial {self.id!r} is {self.order}, but must be a tuple of whole numbers from 0 on"
            )

    @property
    def repeats(self) -> str:
        """The id of the trial that this one repeats with a seed of its own, or nothing."""
        return self.parents[0] if self.operator == REPEAT else ""


@dataclass(frozen=True, slots=True)
class Job:
    """Train a trial from one epoch to another; (trial id, stop) identifies it."""

    trial: Trial
    start: int
    stop: int

    @property
    def key(self) -> Key:
        return self.trial.id, self.stop

    @property
    def place(self) -> Order:
        """The place of its result in the run, not when it happens to finish: by bracket, epochs, number.

        Repetitions come after the search.
        """
        *bracket, number = self.trial.order
        return (1, *bracket, number) if self.trial.repeats else (0, *bracket, self.stop, number)


class Status(StrEnum):
    OK = "OK"
    DIVERGED = "DIVERGED"
    OOM = "OOM"
    CRASHED = "CRASHED"
    TIMEOUT = "TIMEOUT"


@dataclass(frozen=True, order=True, slots=True)
class Score:
    """Feasibility first: the negated total violation, then the objective (larger is better). Never NaN."""

    feasibility: float = -math.inf
    objective: float = -math.inf


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a job. `metrics` are means over folds, joined with the cheap metrics.

    `seconds` is how long the job took, `elapsed` how long the search had taken by then; `checkpoint` and
    `checkpoint_bytes` are digest and size of the state it left; `attempts` counts the workers it was given to;
    `trace` is the traceback of what failed just now, which is told and not kept; `curve` holds metrics of validation by
    the epoch they were taken at, where the trainer gives them.
    """

    job: Job
    status: Status
    metrics: dict[str, float] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""
    elapsed: float = 0.0
    checkpoint: str = ""
    checkpoint_bytes: int = 0
    attempts: int = 1
    score: Score = field(default_factory=Score)
    trace: str = field(default="", compare=False, repr=False)
    curve: Curve = field(default_factory=dict)

    @property
    def config(self) -> dict[str, Value]:
        """The values of the active hyperparameters."""
        return self.job.trial.config.values

    @property
    def epochs(self) -> int:
        """The budget this result was reached at."""
        return self.job.stop

    @property
    def feasible(self) -> bool:
        """Whether every constraint is met."""
        return self.score.feasibility == 0

    def to_json(self) -> dict[str, Any]:
        """Return all but the score and the trace; a curve where there is one, an order where the id does not say it."""
        trial = {name: getattr(self.job.trial, name) for name in _TRIAL} | {"config": written(self.config)}
        if self.job.trial.order != order_of(self.job.trial.id):
            trial["order"] = self.job.trial.order
        data = {name: getattr(self, name) for name in _RESULT}
        if self.curve:
            data["curve"] = [{"epoch": epoch, **metrics} for epoch, metrics in self.curve.items()]
        return data | {"job": {"trial": trial, "start": self.job.start, "stop": self.job.stop}}

    def to_history(self) -> dict[str, Any]:
        """Return what does not depend on clocks and machines: what equal runs have in common."""
        return {name: value for name, value in self.to_json().items() if name not in _CIRCUMSTANCES}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Result":
        """Return the result that `to_json` described, without its score.

        Raises KeyError, TypeError or ValueError for anything else.
        """
        job = data["job"]
        if not isinstance(job["trial"]["id"], str) or not 0 <= int(job["start"]) < int(job["stop"]):
            raise ValueError(f"{job['trial']['id']!r} at {job['start']}..{job['stop']} is no job")
        trial = dict(job["trial"])
        trial |= {
            "config": Config.of(read_back(trial["config"])),
            "parents": tuple(trial["parents"]),
            "cheap": tuple((name, float(value)) for name, value in trial["cheap"]),
            "order": tuple(trial.get("order", ())),
        }
        metrics = {sys.intern(name): float(value) for name, value in data["metrics"].items()}
        rest = {key: data[key] for key in ("details", "error", *_CIRCUMSTANCES)}
        if "curve" in data:
            rest["curve"] = curve_of(data["curve"])
        return cls(Job(Trial(**trial), job["start"], job["stop"]), Status(data["status"]), metrics, **rest)


_CIRCUMSTANCES = ("seconds", "elapsed", "checkpoint", "checkpoint_bytes", "attempts")
_TRIAL = tuple(name for name in Trial.__slots__ if name != "order")
_RESULT = tuple(name for name in Result.__slots__ if name not in ("score", "trace", "curve"))
_ORDERED = re.compile(r"g(\d{1,9})\.b(\d{1,9})\.(\d{1,9})(?:\.r(\d{1,9}))?", re.ASCII)


def curve_of(points: Sequence[Mapping[str, Any]]) -> Curve:
    """Return the metrics by epoch of a list such as [{"epoch": 1, "accuracy": 0.5}, ...].

    Raises TypeError, KeyError or ValueError for anything else: epochs are whole and rise, metrics are finite or nan.
    """
    curve, last = Curve(), 0
    for point in points:
        epoch, metrics = point["epoch"], {sys.intern(name): float(point[name]) for name in point if name != "epoch"}
        if type(epoch) is not int or epoch <= last:
            raise ValueError(f"epoch {epoch!r} after {last}: epochs are whole numbers from 1 on, and rise")
        for name, value in metrics.items():
            if math.isinf(value):
                raise ValueError(f"{name!r} is {value} at epoch {epoch}: give finite numbers, or nan")
        curve[epoch], last = metrics, epoch
    return curve


def place_of(result: Result) -> tuple[Order, str]:
    """Return what results are sorted by: their place in the run, and the id where two have the same."""
    return result.job.place, result.job.trial.id


def in_logical_order(results: Iterable[Result]) -> list[Result]:
    """Return `results` by their place in the run, in whatever order they finished."""
    return sorted(results, key=place_of)

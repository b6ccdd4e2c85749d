"""What values pass between the parts? Configurations, trials, jobs and results: frozen, with a JSON form."""

import hashlib
import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | None"
Key: TypeAlias = tuple[str, int]  # of a result: the id of its trial and the epochs it has reached
REPEAT = "repeat"  # the operator of a trial that confirms another


def canonical(data: object) -> str:
    """Return the one JSON text of `data`, whose keys are strings: sorted, no spaces, NaN and infinities as strings."""
    try:
        return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(_finite(data), sort_keys=True, separators=(",", ":"), allow_nan=False)


def readable(data: object) -> str:
    """Return the same as people read it, for a file of its own."""
    return json.dumps(json.loads(canonical(data)), indent=1) + "\n"


def plain(value: Any) -> Any:
    """Return `value` with NumPy's scalars turned into Python's own, and lists into tuples."""
    if isinstance(value, (list, tuple)):
        return tuple(map(plain, value))
    return value.item() if isinstance(value, np.generic) else value


def written(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of hyperparameters in a form that JSON gives back; what is not finite as {"float": "inf"}."""
    return {name: _written(value) for name, value in values.items()}


def read_back(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that `written` was given."""
    return {name: _read_back(value) for name, value in values.items()}


def _written(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return [_written(each) for each in value] if isinstance(value, (list, tuple)) else value


def _read_back(value: Any) -> Any:
    if isinstance(value, Mapping) and set(value) == {"float"}:
        return float(value["float"])
    return tuple(map(_read_back, value)) if isinstance(value, (list, tuple)) else value


def _finite(data: object) -> object:
    if isinstance(data, np.generic):
        data = data.item()
    if isinstance(data, (str, int)):
        return data
    if isinstance(data, float):
        return data if math.isfinite(data) else str(data)
    if isinstance(data, Mapping):
        return {str(key): _finite(value) for key, value in data.items()}
    return [_finite(value) for value in data] if isinstance(data, (list, tuple)) else data


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


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration with its logical id ("g3.b1.7", its first repetition "g3.b1.7.r1"), seed and origin."""

    id: str
    config: Config
    seed: int
    operator: str = "sample"
    parents: tuple[str, ...] = ()
    cheap: tuple[tuple[str, float], ...] = ()

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
    def key(self) -> tuple[str, int]:
        return self.trial.id, self.stop


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
    `trace` is the traceback of what failed just now, which is told and not kept.
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
        """Return all but the score, which follows from the metrics, and the trace."""
        trial = {name: getattr(self.job.trial, name) for name in Trial.__slots__} | {"config": written(self.config)}
        data = {name: getattr(self, name) for name in Result.__slots__ if name not in ("score", "trace")}
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
        if not _TRIAL_ID.fullmatch(job["trial"]["id"]) or not 0 <= int(job["start"]) < int(job["stop"]):
            raise ValueError(f"{job['trial']['id']!r} at {job['start']}..{job['stop']} is no job")
        trial = dict(job["trial"])
        trial |= {
            "config": Config.of(read_back(trial["config"])),
            "parents": tuple(trial["parents"]),
            "cheap": tuple((name, float(value)) for name, value in trial["cheap"]),
        }
        metrics = {sys.intern(name): float(value) for name, value in data["metrics"].items()}
        rest = {key: data[key] for key in ("details", "error", *_CIRCUMSTANCES)}
        return cls(Job(Trial(**trial), job["start"], job["stop"]), Status(data["status"]), metrics, **rest)


_CIRCUMSTANCES = ("seconds", "elapsed", "checkpoint", "checkpoint_bytes", "attempts")
_TRIAL_ID = re.compile(r"g\d{1,9}\.b\d{1,9}\.\d{1,9}(\.r\d{1,9})?")


def logical_order(trial_id: str, epochs: int) -> tuple[int, ...]:
    """Return the place of a result in the run: generation, bracket, epochs, number; not when it happened to finish.

    Repetitions come after the search.
    """
    generation, bracket, number, *repetition = (int(part.lstrip("gbr")) for part in trial_id.split("."))
    if repetition:
        return (1, *repetition, generation, bracket, number)
    return (0, generation, bracket, epochs, number)


def in_logical_order(results: Iterable[Result]) -> list[Result]:
    """Return `results` by their place in the run, in whatever order they finished."""
    return sorted(results, key=lambda result: logical_order(*result.job.key))

"""What was asked for? Everything that decides the history of a run, as one value."""

import math
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

from nas.core.brackets import Bracket
from nas.core.constraints import Constraint, parse
from nas.core.errors import UserError
from nas.core.foreign import remembered
from nas.core.former import with_parts
from nas.core.numbers import truth, whole
from nas.core.plain import read_back, written

CONFIRMATION = 0.15  # at most, of every limit, is for training the best again
REPETITIONS = 3  # at most, of each of them
_LEAST = {"confirm": 0, "seed": None}
_LIMITS = ("max_trials", "max_total_epochs")


class Strategy(Protocol):
    """What is known here of the part that says which configurations are tried."""

    @property
    def name(self) -> str: ...
    @property
    def endless(self) -> bool:
        """Whether it goes on for as long as the limits allow."""
        ...

    @property
    def partial(self) -> bool:
        """Whether less than a full training is of use to it."""
        ...

    def described(self) -> dict[str, Any]: ...
    def __call__(self, lab: Any) -> Coroutine[Any, Any, None]: ...


class Scheduler(Protocol):
    """What is known here of the part that says how long each trial trains."""

    @property
    def name(self) -> str: ...
    @property
    def max_epochs(self) -> int: ...
    @property
    def at_a_time(self) -> str:
        """The parameter that says how many trainings there are at a time, if one does."""
        ...

    @property
    def smallest(self) -> Bracket:
        """The least that it asks for at once."""
        ...

    def described(self) -> dict[str, Any]: ...
    def run(self, lab: Any, breeder: Any) -> Coroutine[Any, Any, None]: ...


@dataclass(frozen=True)
class Limits:
    """What limited a run until it had so many `results`, after which it was given other limits."""

    results: int
    max_trials: int | None = None
    max_total_epochs: int | None = None


@dataclass(frozen=True)
class RunSpec:
    """Written to spec.json. `strategy` and `scheduler` are parts with their parameters.

    `confirm` of the best trials are trained again, with other seeds, at the end. `initial` configurations are trained
    first. `earlier` tells the limits of a run that was given more, the first first. `details` holds what the caller
    adds: data, space and version digests.
    """

    space: dict[str, Any]
    objective: str
    maximize: bool
    constraints: tuple[Constraint, ...]
    strategy: Strategy
    scheduler: Scheduler
    seed: int
    max_trials: int | None
    max_total_epochs: int | None
    confirm: int = 0
    default: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    initial: tuple[dict[str, Any], ...] = ()
    earlier: tuple[Limits, ...] = ()

    def __post_init__(self) -> None:
        """Raise UserError for a value that makes no sense, saying which would."""
        if not isinstance(self.objective, str) or not self.objective:
            raise UserError(f"objective is {self.objective!r}, but must be the name of a metric")
        numbers: dict[str, Any] = {name: whole(name, getattr(self, name), least) for name, least in _LEAST.items()}
        for name in _LIMITS:
            value = getattr(self, name)
            numbers[name] = None if value is None else whole(name, value, 1)
        numbers["maximize"] = truth("maximize", self.maximize)
        for name, value in numbers.items():
            object.__setattr__(self, name, value)  # NumPy's numbers become Python's own: JSON knows no others

    @property
    def max_epochs(self) -> int:
        """The epochs of a full training."""
        return self.scheduler.max_epochs

    @property
    def eta(self) -> int:
        """One trial in so many goes on at each rung."""
        return int(getattr(self.scheduler, "eta", 2))

    @property
    def population(self) -> int:
        """So many of the best are followed."""
        return int(getattr(self.strategy, "population", 50))

    @property
    def phases(self) -> tuple["RunSpec", ...]:
        """What was asked for from one change of the limits to the next; what is asked for now comes last."""
        before = ((limits.max_trials, limits.max_total_epochs) for limits in self.earlier)
        return (*(replace(self, max_trials=trials, max_total_epochs=epochs) for trials, epochs in before), self)

    def repetitions_after(self, done: int) -> int:
        """Return how many trainings may confirm the best, when `done` did so under earlier limits.

        All of them are no more than their share of the limits on trials and epochs.
        """
        limits = (self.confirm, self.max_trials, self.max_total_epochs, self.max_epochs, done)
        return most_repetitions(*limits) if self.strategy.endless else 0

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form that spec.json holds."""
        return {
            **{each.name: getattr(self, each.name) for each in fields(self)},
            "constraints": [str(constraint) for constraint in self.constraints],
            "strategy": self.strategy.described(),
            "scheduler": self.scheduler.described(),
            "default": written(self.default),
            "initial": [written(values) for values in self.initial],
            "earlier": [vars(limits) for limits in self.earlier],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "RunSpec":
        """Return what `to_json` described; what an older version did not know yet is as it was then.

        Raises UserError for anything else.
        """
        try:
            known = with_parts(data)
            return cls(
                **{
                    **known,
                    "constraints": tuple(parse(text) for text in known["constraints"]),
                    "strategy": remembered("strategy", known["strategy"]),
                    "scheduler": remembered("scheduler", known["scheduler"]),
                    "default": read_back(known.get("default", {})),
                    "initial": tuple(map(read_back, known.get("initial", ()))),
                    "earlier": tuple(Limits(**limits) for limits in known.get("earlier", ())),
                }
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(f"this does not describe a run: {error}") from None


def most_repetitions(
    confirm: int, max_trials: int | None, max_total_epochs: int | None, max_epochs: int, done: int = 0
) -> int:
    """Return how many trainings may confirm the `confirm` best under these limits, when `done` were made before."""
    limits = (
        REPETITIONS * confirm,
        CONFIRMATION * (max_trials or math.inf) - done,
        CONFIRMATION * (max_total_epochs or math.inf) / max_epochs - done,
    )
    return max(0, int(min(limits) + 1e-9))  # 0.15 * 20 is not quite 3


def idle(strategy: Strategy, scheduler: Scheduler, workers: int) -> tuple[str, int]:
    """Return what must be asked for to keep all `workers` at work, and how many are now; "" where all are."""
    flag, known = scheduler.at_a_time, {**vars(strategy), **vars(scheduler)}
    most = known[flag] if flag and "offspring" in known else workers
    return (flag, most) if workers > most else ("", workers)

"""What was asked for? Everything that decides the history of a run, as one value."""

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas.core.brackets import Bracket, Rung, hyperband
from nas.core.constraints import Constraint, parse
from nas.core.errors import UserError
from nas.core.numbers import one_of, share, truth, whole
from nas.core.types import read_back, written
from nas.core.values import check

STRATEGIES = ("evolution", "random", "default")
BUDGETS = ("halving", "hyperband", "full", "asha")
MODELS = ("forest", "none")
CONFIRMATION = 0.15  # at most, of every limit, is for training the best again
REPETITIONS = 3  # at most, of each of them
MIN_EPOCHS = 2  # of a training, unless the user says otherwise
_LEAST = {"max_epochs": 1, "min_epochs": 1, "eta": None, "population": 1, "offspring": 1, "confirm": 0, "seed": None}
_LIMITS = ("max_trials", "max_total_epochs", "lanes")


@dataclass(frozen=True)
class Limits:
    """What limited a run until it had so many `results`, after which it was given other limits."""

    results: int
    max_trials: int | None = None
    max_total_epochs: int | None = None


@dataclass(frozen=True)
class RunSpec:
    """Written to spec.json. `confirm` of the best trials are trained again, with other seeds, at the end.

    `initial` configurations are trained first. `earlier` tells the limits of a run that was given more, the first
    first. `details` holds what the caller adds: data, space and version digests.
    """

    space: dict[str, Any]
    objective: str
    maximize: bool
    constraints: tuple[Constraint, ...]
    strategy: str
    budget: str
    max_epochs: int
    min_epochs: int
    eta: int
    population: int
    offspring: int
    mutation_rate: float
    seed: int
    max_trials: int | None
    max_total_epochs: int | None
    lanes: int | None = None
    confirm: int = 0
    model: str = "forest"
    default: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    initial: tuple[dict[str, Any], ...] = ()
    earlier: tuple[Limits, ...] = ()

    def __post_init__(self) -> None:
        """Raise UserError for a value that makes no sense, saying which would."""
        for name, known in (("strategy", STRATEGIES), ("budget", BUDGETS), ("model", MODELS)):
            one_of(name, getattr(self, name), known)
        if not isinstance(self.objective, str) or not self.objective:
            raise UserError(f"objective is {self.objective!r}, but must be the name of a metric")
        numbers: dict[str, Any] = {name: whole(name, getattr(self, name), least) for name, least in _LEAST.items()}
        for name in _LIMITS:
            value = getattr(self, name)
            numbers[name] = None if value is None else whole(name, value, 1)
        numbers |= {
            "maximize": truth("maximize", self.maximize),
            "mutation_rate": share("mutation_rate", self.mutation_rate),
        }
        for name, value in numbers.items():
            object.__setattr__(self, name, value)  # NumPy's numbers become Python's own: JSON knows no others
        hyperband(self.max_epochs, self.max_epochs if self.budget == "full" else self.min_epochs, self.eta)

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
        return 0 if self.strategy == "default" else most_repetitions(*limits)

    @property
    def brackets(self) -> tuple[Bracket, ...]:
        """The brackets that generations go through in turn."""
        rounds = hyperband(self.max_epochs, self.min_epochs, self.eta)
        if self.budget == "full" or len(rounds) == 1:  # nothing is halved: one bracket, whose children share drafts
            return ((Rung(self.max_epochs, self.offspring),),)
        return rounds if self.budget == "hyperband" else rounds[:1]

    @property
    def rungs(self) -> tuple[int, ...]:
        """The epochs at which ASHA compares trials, those of the most aggressive bracket."""
        return tuple(rung.epochs for rung in hyperband(self.max_epochs, self.min_epochs, self.eta)[0])

    @property
    def smallest(self) -> Bracket:
        """The least that a strategy asks for at once."""
        return (Rung(self.rungs[0], 1),) if self.budget == "asha" else self.brackets[-1][-1:]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form that spec.json holds."""
        return {
            **asdict(self),
            "constraints": [str(constraint) for constraint in self.constraints],
            "default": written(self.default),
            "initial": [written(values) for values in self.initial],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "RunSpec":
        """Return what `to_json` described; what an older version did not know yet is as it was then.

        Raises UserError for anything else.
        """
        try:
            return cls(
                **{
                    **data,
                    "constraints": tuple(parse(text) for text in data["constraints"]),
                    "default": read_back(data.get("default", {})),
                    "initial": tuple(map(read_back, data.get("initial", ()))),
                    "earlier": tuple(Limits(**limits) for limits in data.get("earlier", ())),
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


def first_rung(min_epochs: int | None, max_epochs: int, budget: str) -> int:
    """Return how long the first rung trains, MIN_EPOCHS unless the user says otherwise; of "full" there is but one."""
    most = whole("max_epochs", max_epochs, 1)
    if min_epochs is None:
        return min(MIN_EPOCHS, most)
    least = whole("min_epochs", min_epochs, 1)
    return min(least, most) if budget == "full" else least


def described(space: ConfigurationSpace) -> dict[str, Any]:
    """Return what makes `space` the space it is, in JSON's terms: not its name, nor the version of ConfigSpace.

    Raises UserError for a choice that JSON cannot give back.
    """
    check(space)
    description = space.to_serialized_dict()
    return {key: description[key] for key in ("hyperparameters", "conditions", "forbiddens")}


def rebuilt(description: Mapping[str, Any]) -> ConfigurationSpace:
    """Return the space that `described` described."""
    own = deepcopy(dict(description))  # decoding takes it apart
    return ConfigurationSpace.from_serialized_dict({"name": None, "format_version": 0.4, **own})

"""What does a scheduler do? It decides how long each trial trains, of those that a strategy breeds for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, ClassVar

from nas.core.brackets import Bracket, Rung, hyperband
from nas.core.numbers import whole
from nas.core.parameters import parameter
from nas.core.parts import Part
from nas.strategies.breeder import Breeder

if TYPE_CHECKING:
    from nas.strategies.lab import Lab

_FIRST_RUNG = 2  # epochs, unless the user says otherwise


@dataclass(frozen=True)
class Scheduler(Part):
    """How long each trial trains."""

    at_a_time: ClassVar[str] = ""  # the parameter that says how many trainings there are at a time, if one does

    max_epochs: int = parameter(50, "of a full training", least=1, flag="epochs")

    @property
    def smallest(self) -> Bracket:
        """The least that is asked for at once."""
        return (Rung(self.max_epochs, 1),)

    async def run(self, lab: "Lab", breeder: Breeder) -> None:
        """Train what `breeder` breeds until the limits allow no further trial."""
        raise NotImplementedError


@dataclass(frozen=True)
class Brackets(Scheduler):
    """Brackets, bred one after the other, of which several are in the making at a time."""

    def brackets(self) -> tuple[Bracket, ...]:
        """Return the brackets that come in turn."""
        raise NotImplementedError

    async def run(self, lab: "Lab", breeder: Breeder) -> None:
        """Breed, halve and select until the limits allow no further trial.

        Only the fully trained are selected, but what is partly trained is learned from, too.
        """
        from nas.strategies.breeding.making import make  # here, for --help to stay quick

        await make(lab, breeder, generations(self.brackets(), breeder.offspring))


@dataclass(frozen=True)
class Rungs(Scheduler):
    """The parameters of a scheduler that compares trials at rungs."""

    min_epochs: int | None = parameter(None, "of the first rung (default 2)", least=1)
    eta: int = parameter(2, "one in so many goes on at each rung", least=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_epochs is None:
            object.__setattr__(self, "min_epochs", min(_FIRST_RUNG, self.max_epochs))
        self.rounds()

    def rounds(self) -> tuple[Bracket, ...]:
        """Return one Hyperband round. Raises UserError where the first rung is above the last."""
        return hyperband(self.max_epochs, whole("min_epochs", self.min_epochs), self.eta)


def generations(brackets: tuple[Bracket, ...], offspring: int) -> Iterator[list[Bracket]]:
    """Yield for each generation the next brackets in turn, as many as it takes to fully train `offspring` trials.

    A generation is a name that trials share, and nothing waits for its end. The first is at least one round of all.
    """
    turn = 0
    for _ in count():
        chosen = list[Bracket]()
        while sum(b[-1].trials for b in chosen) < offspring or turn < len(brackets):
            chosen.append(brackets[turn % len(brackets)])
            turn += 1
        yield chosen

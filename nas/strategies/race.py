"""Which of the given configurations is ahead? All of them run, and at each rung the best go on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from nas.core.brackets import Bracket, Rung
from nas.core.parameters import parameter
from nas.core.parts import part
from nas.strategies.breeding.halve import halve
from nas.strategies.breeding.initial import initial_trials
from nas.strategies.strategy import Strategy

if TYPE_CHECKING:
    from nas.strategies.lab import Lab


@part("strategy", "race")
@dataclass(frozen=True)
class Race(Strategy):
    """The initial configurations, by successive halving."""

    endless: ClassVar[bool] = False
    hidden: ClassVar[bool] = True

    rungs: int = parameter(1, "at which they are compared", least=1)
    eta: int = parameter(3, "one in so many goes on at each rung but the last", least=2)

    def bracket(self, candidates: int) -> Bracket:
        """Return how many of the `candidates` reach each rung, and after how many epochs it is."""
        return tuple(Rung(self.eta**rung, -(-candidates // self.eta**rung)) for rung in range(self.rungs))

    async def __call__(self, lab: "Lab") -> None:
        """Run the race, once."""
        trials = initial_trials(lab, "g0.b0.{}".format)
        await halve(lab, trials, self.bracket(len(trials)))

"""Successive halving: many begin, the best of each rung go on (Jamieson & Talwalkar 2016)."""

from dataclasses import dataclass

from nas.core.brackets import Bracket, Rung
from nas.core.parts import part
from nas.strategies.scheduling import Brackets, Rungs


@part("scheduler", "halving")
@dataclass(frozen=True)
class Halving(Rungs, Brackets):
    """Many begin, and the best of each rung go on."""

    def brackets(self, offspring: int) -> tuple[Bracket, ...]:
        """Return the bracket of a Hyperband round that begins with the shortest trainings."""
        rounds = self.rounds()
        return rounds[:1] if len(rounds) > 1 else ((Rung(self.max_epochs, offspring),),)

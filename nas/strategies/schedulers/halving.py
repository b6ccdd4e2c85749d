"""Successive halving: many begin, the best of each rung go on (Jamieson & Talwalkar 2016)."""

from dataclasses import dataclass

from nas.core.brackets import Bracket
from nas.core.parts import part
from nas.strategies.scheduling import Brackets, Rungs


@part("scheduler", "halving")
@dataclass(frozen=True)
class Halving(Rungs, Brackets):
    """Many begin, and the best of each rung go on."""

    def brackets(self) -> tuple[Bracket, ...]:
        """Return the bracket of a Hyperband round that begins with the shortest trainings."""
        return self.rounds()[:1]

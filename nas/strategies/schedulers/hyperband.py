"""Hyperband: successive halving from short beginnings to none, in turn (Li et al. 2018)."""

from dataclasses import dataclass

from nas.core.brackets import Bracket
from nas.core.parts import part
from nas.strategies.scheduling import Brackets, Rungs


@part("scheduler", "hyperband")
@dataclass(frozen=True)
class Hyperband(Rungs, Brackets):
    """Successive halving, in turn with short, longer and full beginnings."""

    def brackets(self) -> tuple[Bracket, ...]:
        """Return the brackets of a round, from the most aggressive to none."""
        return self.rounds()

"""Nothing is halved: every trial trains to the end."""

from dataclasses import dataclass

from nas.core.brackets import Bracket, Rung
from nas.core.parts import part
from nas.strategies.scheduling import Brackets


@part("scheduler", "full")
@dataclass(frozen=True)
class Full(Brackets):
    """Every trial trains to the end."""

    def brackets(self, offspring: int) -> tuple[Bracket, ...]:
        """Return one bracket, whose children share drafts."""
        return ((Rung(self.max_epochs, offspring),),)

"""Nothing is halved: every trial trains to the end."""

from dataclasses import dataclass
from typing import ClassVar

from nas.core.brackets import Bracket
from nas.core.parts import part
from nas.strategies.scheduling import Brackets


@part("scheduler", "full")
@dataclass(frozen=True)
class Full(Brackets):
    """Every trial trains to the end."""

    at_a_time: ClassVar[str] = "offspring"

    def brackets(self) -> tuple[Bracket, ...]:
        """Return a bracket of one trial."""
        return (self.smallest,)

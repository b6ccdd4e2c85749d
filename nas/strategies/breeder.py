"""What does a scheduler ask of a strategy? Children to train, which it breeds from what became of others."""

from collections.abc import Sequence
from typing import Protocol

from nas.core.types import Result, Trial


class Breeder(Protocol):
    """Where trials come from, and who learns from what became of them."""

    @property
    def offspring(self) -> int:
        """How many children of a generation are to be fully trained."""
        ...

    def learn(self, number: int, results: Sequence[Result]) -> None:
        """Learn from all `results` so far, the new ones last, before children number `number` are bred."""
        ...

    async def breed(self, count: int, place: str, first: int = 0) -> list[Trial]:
        """Return up to `count` new trials named `place`.`first` and so on, fewer when no untried legal one turns up."""
        ...

    def select(self, finished: Sequence[Result]) -> None:
        """Take note of those that are fully trained: the next parents are among them."""
        ...

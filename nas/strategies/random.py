"""The baseline: random search under the same cheap constraints and schedulers (Li et al. 2018)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.core.types import Config, Result, Trial
from nas.strategies.recalling.founders import founders
from nas.strategies.strategy import Strategy

if TYPE_CHECKING:
    from nas.strategies.lab import Lab


@part("strategy", "random")
@dataclass(frozen=True)
class Random(Strategy):
    """Samples of the space, whatever came of those before."""

    offspring: int = parameter(10, "lambda: fully trained children in the making at a time", least=1)

    async def __call__(self, lab: "Lab") -> None:
        """Sample until the limits allow no further trial."""
        await lab.spec.scheduler.run(lab, _Samples(lab, self.offspring, founders(lab)))


@dataclass(frozen=True)
class _Samples:
    lab: "Lab"
    offspring: int
    founders: Sequence[Config]

    def learn(self, number: int, results: Sequence[Result]) -> None:
        """Learn nothing."""

    async def breed(self, count: int, place: str, first: int = 0) -> list[Trial]:
        from nas.strategies.breeding.children import Stock, breed  # here, for --help to stay quick

        return await breed(self.lab, Stock(founders=self.founders), count, place, first)

    def select(self, finished: Sequence[Result]) -> None:
        """Select nobody."""

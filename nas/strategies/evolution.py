"""(mu + lambda) evolution: the best of all that were fully trained are the parents of what comes next."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.core import ranking
from nas.core.parameters import parameter
from nas.core.parts import part
from nas.core.seeds import seed
from nas.core.types import Result, Trial
from nas.strategies.modelling import Learned, SearchModel
from nas.strategies.recalling.founders import founders
from nas.strategies.strategy import Strategy

if TYPE_CHECKING:
    from nas.strategies.lab import Lab


@part("strategy", "evolution")
@dataclass(frozen=True)
class Evolution(Strategy):
    """The best so far are recombined and mutated; a model of all results chooses among the children.

    The scheme of Awad et al. 2021 (DEHB) with the operators of a (mu + lambda) strategy.
    """

    population: int = parameter(50, "mu: so many of the best are parents", least=1)
    offspring: int = parameter(10, "lambda: fully trained children", least=1)
    mutation_rate: float = parameter(0.5, "share of the children that are mutated only", least=0, most=1)
    model: SearchModel = parameter("forest", "that chooses among children", part="model")

    async def __call__(self, lab: "Lab") -> None:
        """Breed and select until the limits allow no further trial."""
        await lab.spec.scheduler.run(lab, Population(self, lab))


class Population:
    """The parents, best first, with what was learned from all results."""

    def __init__(self, evolution: Evolution, lab: "Lab") -> None:
        self.offspring = evolution.offspring
        self._evolution, self._lab = evolution, lab
        self._parents = list[Result]()
        self._learned: Learned | None = None
        self._founders = founders(lab)

    def learn(self, number: int, results: Collection[Result]) -> None:
        spec = self._lab.spec
        key = seed(spec.seed, "model", number)
        self._learned = self._evolution.model.learn(self._lab.space, results, spec.max_epochs, key, self._learned)

    async def breed(self, count: int, place: str, first: int = 0) -> list[Trial]:
        from nas.strategies.breeding.children import Stock, breed  # here, for --help to stay quick

        evolution = self._evolution
        stock = Stock(self._parents, evolution.mutation_rate, evolution.model.drafts, self._learned, self._founders)
        return await breed(self._lab, stock, count, place, first)

    def select(self, finished: Sequence[Result]) -> None:
        self._parents = ranking.survivors([*self._parents, *finished], self._evolution.population)

"""(mu + lambda) evolution: the best of all that were fully trained are the parents of what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.core import ranking
from nas.core.parameters import parameter
from nas.core.parts import part
from nas.core.seeds import seed
from nas.core.types import Result, Trial
from nas.strategies.modelling import Learned, SearchModel, Sought
from nas.strategies.recalling.founders import founders
from nas.strategies.strategy import Strategy

if TYPE_CHECKING:
    from nas.strategies.lab import Lab


FOUNDED = 10  # results, with fewer of which children are samples: who descends from one or two is much like them


@part("strategy", "evolution")
@dataclass(frozen=True)
class Evolution(Strategy):
    """The best so far are recombined and mutated; a model of all results chooses among the children.

    The scheme of Awad et al. 2021 (DEHB) with the operators of a (mu + lambda) strategy.
    """

    population: int = parameter(50, "mu: so many of the best are parents", least=1)
    offspring: int = parameter(1, "lambda: fully trained children in the making at a time", least=1)
    mutation_rate: float = parameter(0.5, "share of the children that are mutated only", least=0, most=1)
    model: SearchModel = parameter("processes", "that chooses among children", part="model")

    async def __call__(self, lab: "Lab") -> None:
        """Breed and select until the limits allow no further trial."""
        await lab.spec.scheduler.run(lab, Population(self, lab))


class Population:
    """The parents, best first, with what was learned from all results, and the children that are in the making."""

    def __init__(self, evolution: Evolution, lab: "Lab") -> None:
        from nas.strategies.breeding.genome import Genome  # here, for --help to stay quick

        self.offspring = evolution.offspring
        self._evolution, self._lab, self._genome = evolution, lab, Genome(lab.space)
        self._parents, self._making, self._seen = list[Result](), list[Trial](), 0
        self._learned: Learned | None = None
        self._founders = founders(lab)
        cheap = {constraint.metric for constraint in lab.cheap.constraints}
        expensive = [constraint for constraint in lab.spec.constraints if constraint.metric not in cheap]
        self._sought = Sought(self._genome, lab.spec.max_epochs, expensive)

    def learn(self, number: int, results: Sequence[Result]) -> None:
        ended = {result.job.trial.id for result in results[self._seen :]}
        self._making = [trial for trial in self._making if trial.id not in ended]
        self._seen = len(results)
        key = seed(self._lab.spec.seed, "model", number)
        self._learned = self._evolution.model.learn(self._sought, results, key, self._learned)

    async def breed(self, count: int, place: str, first: int = 0) -> list[Trial]:
        from nas.strategies.breeding.children import Stock, breed  # here, for --help to stay quick

        making = [trial.config for trial in self._making]
        parents, rate = self._parents if self._seen >= FOUNDED else (), self._evolution.mutation_rate
        stock = Stock(parents, rate, self._genome, self._learned, making, self._founders)
        children = await breed(self._lab, stock, count, place, first)
        self._making += children
        return children

    def select(self, finished: Sequence[Result]) -> None:
        self._parents = ranking.survivors([*self._parents, *finished], self._evolution.population)

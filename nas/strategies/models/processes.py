"""Gaussian processes of the metrics: of the objective, and of each that is constrained and only training shows."""

from collections.abc import Collection
from dataclasses import dataclass

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.core.types import Result
from nas.strategies.modelling import Learned, SearchModel, Sought


@part("model", "processes")
@dataclass(frozen=True)
class Processes(SearchModel):
    """Gaussian processes of the metrics: the largest expected feasible improvement is trained (Gardner et al. 2014)."""

    enough: int = parameter(8, "results, fewer than which teach nothing", least=1)
    most: int = parameter(200, "results that it learns from: the best half of them, the others evenly", least=2)
    news: float = parameter(1.1, "times the results last fitted to, from which on it is fitted anew", least=1)

    def learn(
        self, sought: Sought, results: Collection[Result], seed: int, known: Learned | None = None
    ) -> Learned | None:
        """Return what all the results teach; how much one tells of others is fitted now and then."""
        from nas.strategies.processes.beliefs import Beliefs  # here, for --help to stay quick
        from nas.strategies.processes.targets import outcomes

        if len(results) < self.enough:
            return known
        before = known if isinstance(known, Beliefs) else None
        came = outcomes(results, sought.constraints, before.outcomes if before else None)
        return Beliefs(self, sought, came, seed, before.scales if before else None)

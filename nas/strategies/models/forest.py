"""A forest of extremely randomized trees that learns from every result where a configuration would rank."""

from collections.abc import Collection
from dataclasses import dataclass

from nas.core.errors import UserError
from nas.core.parameters import parameter
from nas.core.parts import part
from nas.core.types import Result
from nas.strategies.modelling import Learned, SearchModel, Sought


@part("model", "forest")
@dataclass(frozen=True)
class Forest(SearchModel):
    """Extremely randomized trees learn from every result, partly trained ones too (Geurts et al. 2006)."""

    trees: int = parameter(30, "in the forest", least=1)
    agreeing: int = parameter(3, "trees drawn for a question, which agree on what is best: Thompson sampling", least=1)
    doubting: int = parameter(10, "trees drawn for one whose disagreement is hope: expected improvement", least=1)
    hopeful: float = parameter(0.5, "share of the questions that are asked in hope", least=0, most=1)
    enough: int = parameter(10, "results, fewer than which teach nothing", least=1)
    news: float = parameter(1.1, "times the results last learned from, from which on it is learned anew", least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if max(self.agreeing, self.doubting) > self.trees:
            raise UserError(
                f"a question is asked of {max(self.agreeing, self.doubting)} trees, but there are {self.trees}"
            )

    def learn(
        self, sought: Sought, results: Collection[Result], seed: int, known: Learned | None = None
    ) -> Learned | None:
        """Return what the results teach: `known` until there is much news, so that learning stays a small part."""
        from nas.strategies.breeding.trees import Trees  # here, for --help to stay quick

        enough = len(known.results) * self.news if known else self.enough
        return Trees(self, sought, tuple(results), seed) if len(results) >= enough else known

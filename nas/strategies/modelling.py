"""What does a model of a search do? It learns from results which of many possible children are promising."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from numpy.random import RandomState

from nas.core.parts import Part
from nas.core.types import Config, Result

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

Order = Callable[[RandomState], list[int]]


class Learned(Protocol):
    """What was learned from some results."""

    @property
    def results(self) -> Sequence[Result]:
        """What it was learned from."""
        ...

    def preference(self, configs: Sequence[Config]) -> Order:
        """Return what orders `configs`, time and again: their indices, the most promising first."""
        ...


@dataclass(frozen=True)
class SearchModel(Part):
    """How children are chosen."""

    drafts: ClassVar[bool] = True  # whether it chooses among many possible children

    def learn(
        self,
        space: "ConfigurationSpace",
        results: Collection[Result],
        epochs: int,
        seed: int,
        known: Learned | None = None,
    ) -> Learned | None:
        """Return what `results`, in any order, teach about training for `epochs`, or `known` where that is enough.

        Nothing, unless the model learns.
        """
        return None

"""No model: children are bred one by one."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from nas.core.parts import part
from nas.core.types import Result
from nas.strategies.modelling import Learned, SearchModel

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace


@part("model", "none")
@dataclass(frozen=True)
class NoModel(SearchModel):
    """Children are trained as they are bred."""

    drafts: ClassVar[bool] = False

    def learn(
        self,
        space: "ConfigurationSpace",
        results: Collection[Result],
        epochs: int,
        seed: int,
        known: Learned | None = None,
    ) -> None:
        """Learn nothing."""

"""No model: children are bred one by one."""

from dataclasses import dataclass

from nas.core.parts import part
from nas.strategies.modelling import SearchModel


@part("model", "none")
@dataclass(frozen=True)
class NoModel(SearchModel):
    """Children are trained as they are bred."""

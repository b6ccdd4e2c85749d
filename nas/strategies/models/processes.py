"""Gaussian processes of the metrics: the objective and what is constrained, each by itself."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.core.constraints import Constraint
from nas.core.parameters import parameter
from nas.core.parts import part
from nas.core.types import Result
from nas.strategies.modelling import Learned, SearchModel

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace


@part("model", "processes")
@dataclass(frozen=True)
class Processes(SearchModel):
    """Gaussian processes of the metrics; the largest expected feasible improvement is trained (Gardner et al. 2014)."""

    enough: int = parameter(10, "results, fewer than which teach nothing", least=1)
    news: float = parameter(1.1, "times the results last fitted to, from which on scales are fitted anew", least=1)

    def study(self, lab, results, known):
        from nas.strategies.breeding.genome import Genome
        from nas.strategies.processes.beliefs import Beliefs
        from nas.strategies.processes.features import Features

        if len(results) < self.enough:
            return known
        features = known.features if known else Features(Genome(lab.space))
        cheap = {c.metric for c in lab.cheap.constraints}
        expensive = [c for c in lab.spec.constraints if c.metric not in cheap]
        if known:
            known.fitted  # noqa
            known.__dict__["before"] = None
        return Beliefs(features, tuple(results), expensive, lab.spec.max_epochs, known, self.news)

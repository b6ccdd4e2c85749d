"""Which of many possible children deserves training? Asked of a forest that learns from every result so far."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Protocol

import numpy as np
from ConfigSpace import ConfigurationSpace
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.ensemble import ExtraTreesRegressor

from nas.core.ranking import outcome
from nas.core.types import Config, Result, Score, Status, Value, in_logical_order
from nas.core.values import to_vector
from nas.strategies.modelling import Order


class Settings(Protocol):
    """How many trees there are, how many are asked, and which share of the questions is asked in hope."""

    @property
    def trees(self) -> int: ...
    @property
    def agreeing(self) -> int: ...
    @property
    def doubting(self) -> int: ...
    @property
    def hopeful(self) -> float: ...


@dataclass(frozen=True)
class Trees:
    """Predicts where a configuration would rank among `results` if it were trained for `epochs`.

    Extremely randomized trees (Geurts et al. 2006). Half of the questions go to what a few of them think best, half to
    the largest expected improvement on the best so far (Jones et al. 1998), which is nothing where all agree. The more
    of the results are twins, the more seldom it is asked: on plateaus it only repeats what is known.
    """

    settings: Settings
    space: ConfigurationSpace
    results: tuple[Result, ...]
    epochs: int
    seed: int

    def preference(self, configs: Sequence[Config]) -> Order:
        """Return what orders `configs`, time and again: their indices, the most promising first, or at random."""
        rows = encode(self.space, configs, [self.epochs] * len(configs))
        answers = cache(lambda: np.stack([tree.tree_.predict(rows)[:, 0] for tree in self._forest.estimators_]))

        def order(rng: RandomState) -> list[int]:
            if self._twins and rng.rand() < self._twins:
                return [int(i) for i in rng.permutation(len(configs))]
            hopeful = rng.rand() < self.settings.hopeful
            number = self.settings.doubting if hopeful else self.settings.agreeing
            drawn = sorted(rng.choice(self.settings.trees, number, replace=False))
            promise = improvement(answers()[drawn], len(self._places) - 1) if hopeful else answers()[drawn].sum(axis=0)
            return [int(i) for i in np.argsort(-promise, kind="stable")]

        return order

    @cached_property
    def _twins(self) -> float:
        """The share of results that agree with another in every metric."""
        succeeded = [result for result in self.results if result.status is Status.OK]
        return 1 - len({outcome(result) for result in succeeded}) / max(1, len(succeeded))

    @cached_property
    def _places(self) -> dict[Score, int]:
        """The place of each score among all, 0 being the worst."""
        return {score: place for place, score in enumerate(sorted({result.score for result in self.results}))}

    @cached_property
    def _forest(self) -> ExtraTreesRegressor:
        """Fitted when first asked: a replay of the journal asks nothing.

        What is learned is the place of a result in the search's own order, feasibility first, from its configuration
        and its epochs: so partly trained trials teach too, and no scale matters.
        """
        results = in_logical_order(self.results)
        rows = encode(self.space, [result.job.trial.config for result in results], [r.epochs for r in results])
        forest = ExtraTreesRegressor(self.settings.trees, random_state=self.seed % 2**32)
        return forest.fit(rows, [float(self._places[result.score]) for result in results])


def improvement(answers: NDArray[np.float64], best: float) -> NDArray[np.float64]:
    """Return by how much each configuration is expected to exceed `best`, of normal `answers` [trees, configs]."""
    mean, deviation = answers.mean(axis=0), answers.std(axis=0) + 1e-12
    distance = (mean - best) / deviation
    expected: NDArray[np.float64] = deviation * (distance * norm.cdf(distance) + norm.pdf(distance))
    return expected


def encode(space: ConfigurationSpace, configs: Sequence[Config], epochs: Sequence[int]) -> NDArray[np.float32]:
    """Return one row a configuration: its values on the scale of the space, -1 where inactive, and the epochs."""
    rows = np.full((len(configs), len(space) + 1), -1.0, dtype=np.float32)
    columns = defaultdict[str, list[tuple[int, Value]]](list)
    for row, config in enumerate(configs):
        for name, value in config.items:
            columns[name].append((row, value))
    for name, cells in columns.items():  # column by column, since ConfigSpace takes as long for one value as for many
        where, values = zip(*cells, strict=True)
        rows[where, space.index_of[name]] = to_vector(space[name], values)
    rows[:, -1] = epochs
    return rows

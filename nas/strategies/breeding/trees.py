"""Which of many possible children deserves training? Asked of a forest that learns from every result so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.ensemble import ExtraTreesRegressor

from nas.core.ranking import twins
from nas.core.types import Result, Score
from nas.strategies.modelling import Appeal, Rows, Sought


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
    """Predicts where a configuration would rank among `results` if it were trained to the end.

    Extremely randomized trees (Geurts et al. 2006). Half of the questions go to what a few of them think best, half to
    the largest expected improvement on the best so far (Jones et al. 1998), which is nothing where all agree. The more
    of the results are twins, the more seldom it is asked: on plateaus it only repeats what is known.
    """

    settings: Settings
    sought: Sought
    results: tuple[Result, ...]
    seed: int

    def appeal(self, rng: RandomState, making: Rows) -> Appeal | None:
        """Return what the trees drawn for a child say of rows; None for as many as there are twins."""
        if self._twins and rng.rand() < self._twins:
            return None
        hopeful = rng.rand() < self.settings.hopeful
        number = self.settings.doubting if hopeful else self.settings.agreeing
        drawn = sorted(rng.choice(self.settings.trees, number, replace=False))
        trees = [self._forest.estimators_[tree].tree_ for tree in drawn]

        def rated(rows: Rows) -> NDArray[np.float64]:
            at = with_epochs(rows, [self.sought.epochs] * len(rows))
            answers = np.stack([tree.predict(at)[:, 0] for tree in trees])
            return improvement(answers, len(self._places) - 1) if hopeful else np.asarray(answers.sum(axis=0))

        return rated

    @cached_property
    def _twins(self) -> float:
        return twins(self.results)

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
        rows = self.sought.genome.rows([result.job.trial.config for result in self.results])
        at = with_epochs(rows, [result.epochs for result in self.results])
        forest = ExtraTreesRegressor(self.settings.trees, random_state=self.seed % 2**32)
        return forest.fit(at, [float(self._places[result.score]) for result in self.results])


def with_epochs(rows: Rows, epochs: Sequence[int]) -> NDArray[np.float32]:
    """Return rows as trees have them: -1 where inactive, and the epochs in a last column."""
    return np.column_stack([np.nan_to_num(rows, nan=-1.0), epochs]).astype(np.float32)


def improvement(answers: NDArray[np.float64], best: float) -> NDArray[np.float64]:
    """Return by how much each configuration is expected to exceed `best`, of normal `answers` [trees, configs]."""
    mean, deviation = answers.mean(axis=0), answers.std(axis=0) + 1e-12
    distance = (mean - best) / deviation
    expected: NDArray[np.float64] = deviation * (distance * norm.cdf(distance) + norm.pdf(distance))
    return expected

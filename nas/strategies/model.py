"""Which of many possible children deserves training? Asked of a forest that learns from every result so far."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ConfigSpace import ConfigurationSpace
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from nas.types import Config, Result, Value, in_logical_order

Order = Callable[[RandomState], list[int]]

TREES = 100
ASKED = 3  # trees drawn for each question: what they agree on counts, and every question is asked of others
ENOUGH = 20  # results, fewer than which teach nothing
NEWS = 1.1  # times the results last learned from: then it is learned anew, so that learning stays a small part


@dataclass(frozen=True)
class Model:
    """Predicts where a configuration would rank among `results` if it were trained for `epochs`.

    Extremely randomized trees (Geurts et al. 2006); drawing a few of them for each question is Thompson sampling.
    """

    space: ConfigurationSpace
    results: tuple[Result, ...]
    epochs: int
    seed: int

    def preference(self, configs: Sequence[Config]) -> "Order":
        """Return what orders `configs`, time and again: their indices, the most promising first, by a few trees."""
        rows = encode(self.space, configs, [self.epochs] * len(configs))

        def order(rng: RandomState) -> list[int]:
            drawn = rng.choice(TREES, ASKED, replace=False)
            promise = sum(self._forest.estimators_[i].tree_.predict(rows)[:, 0] for i in sorted(drawn))
            return [int(i) for i in np.argsort(-promise, kind="stable")]

        return order

    @cached_property
    def _forest(self) -> ExtraTreesRegressor:
        """Fitted when first asked: a replay of the journal asks nothing.

        What is learned is the place of a result in the search's own order, feasibility first, from its configuration
        and its epochs: so partly trained trials teach too, and no scale matters.
        """
        results = in_logical_order(self.results)
        places = {score: place for place, score in enumerate(sorted({result.score for result in results}))}
        rows = encode(self.space, [result.job.trial.config for result in results], [r.epochs for r in results])
        forest = ExtraTreesRegressor(TREES, random_state=self.seed % 2**32)
        return forest.fit(rows, [float(places[result.score]) for result in results])


def learn(
    space: ConfigurationSpace, results: Collection[Result], epochs: int, seed: int, known: Model | None = None
) -> Model | None:
    """Return what `results`, in any order, teach about training for `epochs`: `known` until there is much news."""
    enough = len(known.results) * NEWS if known else ENOUGH
    return Model(space, tuple(results), epochs, seed) if len(results) >= enough else known


def encode(space: ConfigurationSpace, configs: Sequence[Config], epochs: Sequence[int]) -> NDArray[np.float32]:
    """Return one row a configuration: its values on the scale of the space, -1 where inactive, and the epochs."""
    rows = np.full((len(configs), len(space) + 1), -1.0, dtype=np.float32)
    columns = defaultdict[str, list[tuple[int, Value]]](list)
    for row, config in enumerate(configs):
        for name, value in config.items:
            columns[name].append((row, value))
    for name, cells in columns.items():  # column by column, since ConfigSpace takes as long for one value as for many
        where, values = zip(*cells, strict=True)
        rows[where, space.index_of[name]] = space[name].to_vector(values)
    rows[:, -1] = epochs
    return rows

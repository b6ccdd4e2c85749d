"""Which of many possible children deserves training? Asked of a forest that learns from every result so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from nas.engine import Lab
from nas.seeds import seed
from nas.types import Config, logical_order

TREES = 100
ASKED = 3  # trees drawn for each question: what they agree on counts, and every question is asked of others
ENOUGH = 20  # results, fewer than which teach nothing

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """Predicts where a configuration would rank among all results if it were fully trained."""

    space: ConfigurationSpace
    forest: ExtraTreesRegressor

    def order(self, configs: Sequence[Config], rng: RandomState) -> list[int]:
        """Return the indices of `configs`, the most promising first, as a few random trees see them."""
        rows = encode(self.space, configs, np.ones(len(configs)))
        trees = rng.choice(len(self.forest.estimators_), ASKED, replace=False)
        promise = sum(self.forest.estimators_[i].tree_.predict(rows)[:, 0] for i in sorted(trees))
        return [int(i) for i in np.argsort(-promise, kind="stable")]


def learn(lab: Lab, key: str) -> Model | None:
    """Return what all results delivered so far teach, or None while they are few.

    What is learned is the rank of a result by the search's own order, feasibility first, from its configuration and
    its epochs; so partly trained trials teach too, and no scale matters. To be asked when nothing is in training.
    """
    results = sorted(lab.results.values(), key=lambda result: logical_order(*result.job.key))
    if len(results) < ENOUGH:
        return None
    places = {score: place for place, score in enumerate(sorted({result.score for result in results}))}
    ranks = np.array([places[result.score] for result in results], dtype=np.float64)
    configs = [result.job.trial.config for result in results]
    rows = encode(lab.space, configs, np.array([result.epochs / lab.spec.max_epochs for result in results]))
    forest = ExtraTreesRegressor(TREES, min_samples_leaf=1, random_state=seed(lab.spec.seed, "model", key) % 2**32)
    return Model(lab.space, forest.fit(rows, ranks))


def encode(space: ConfigurationSpace, configs: Sequence[Config], fidelity: Any) -> NDArray[np.float32]:
    """Return one row a configuration: its values on the scale of the space, -1 for inactive ones, and the fidelity."""
    rows = np.full((len(configs), len(space) + 1), -1.0, dtype=np.float32)
    for row, config in zip(rows, configs, strict=True):
        for name, value in config.items:
            row[space.index_of[name]] = space[name].to_vector(value)
    rows[:, -1] = fidelity
    return rows

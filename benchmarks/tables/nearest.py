"""Which row of a small table stands for a configuration? The nearest, so that a whole space can be searched on it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace, OrdinalHyperparameter
from numpy.typing import NDArray


class Nearest:
    """The configurations of a table. The distance is Euclidean on the space's own scales, each from 0 to 1.

    Two choices that differ are 1 apart, and so are a value and none.
    """

    def __init__(self, space: ConfigurationSpace, rows: Sequence[Mapping[str, Any]]) -> None:
        self._space = space
        self._choices = np.array([isinstance(each, CategoricalHyperparameter) for each in space.values()])
        self._rows = np.stack([self._place(row) for row in rows])

    def row(self, config: Mapping[str, Any]) -> int:
        """Return the index of the row nearest to `config`, of equals the first."""
        apart = self._rows - self._place(config)
        distance = np.where(self._choices, apart != 0, apart)
        alike = np.isnan(self._rows) & np.isnan(self._place(config))
        return int(np.argmin(np.square(np.where(alike, 0, np.nan_to_num(distance, nan=1.0))).sum(axis=1)))

    def _place(self, config: Mapping[str, Any]) -> NDArray[np.float64]:
        place = np.full(len(self._space), np.nan)
        for name, value in config.items():
            hyperparameter = self._space[name]
            steps = hyperparameter.size - 1 if isinstance(hyperparameter, OrdinalHyperparameter) else 1
            place[self._space.index_of[name]] = hyperparameter.to_vector(value) / steps
        return place

"""How far are two configurations apart? Squared distances, hyperparameter by hyperparameter, that one can weigh."""

import numpy as np
from ConfigSpace import CategoricalHyperparameter, OrdinalHyperparameter
from numpy.typing import NDArray

from nas.strategies.breeding.genome import Genome, Rows

INACTIVE = 0.75  # what an inactive value is apart from an active one, besides the distance to the middle


class Features:
    """Numbers [configurations, features] whose squared differences are the distances.

    Numbers on the scale of the space are as far apart as they are, ordinals by their places, unordered values 1 or 0.
    An inactive value stands in the middle, INACTIVE away from all active ones, so that distances stay Euclidean.
    `owner` names the hyperparameter of each feature; after the last of them come the epochs and the cheap metrics.
    """

    def __init__(self, genome: Genome) -> None:
        self.genome = genome
        self.owner = list[int]()
        self._parts = list[tuple[int, str, int]]()
        for column, gene in enumerate(genome.genes):
            if gene.size <= 1:
                continue
            if isinstance(gene, CategoricalHyperparameter):
                self._parts += [(column, "choice", choice) for choice in range(int(gene.size))]
            else:
                scale = int(gene.size) - 1 if isinstance(gene, OrdinalHyperparameter) else 1
                self._parts.append((column, "number", scale))
            if genome.space.parent_conditions_of[gene.name]:
                self._parts.append((column, "there", 0))
        owners = sorted({column for column, _, _ in self._parts})
        self.owner = [owners.index(column) for column, _, _ in self._parts]
        self.owners = len(owners)

    def of(self, rows: Rows) -> NDArray[np.float64]:
        """Return the features of `rows`."""
        found = np.empty((len(rows), len(self._parts)))
        for place, (column, kind, number) in enumerate(self._parts):
            values = rows[:, column]
            if kind == "choice":
                found[:, place] = (values == number) * 0.5**0.5
            elif kind == "number":
                found[:, place] = np.where(np.isnan(values), 0.5, values / number)
            else:
                found[:, place] = np.isnan(values) * INACTIVE**0.5
        return found

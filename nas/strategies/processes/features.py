"""How far are two configurations apart? As numbers whose squared differences are the distances."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ConfigSpace import CategoricalHyperparameter, OrdinalHyperparameter
from numpy.typing import NDArray

from nas.strategies.breeding.genome import Genome
from nas.strategies.modelling import Rows

Array = NDArray[np.float64]

INACTIVE = 0.75  # what an inactive number is apart from an active one, besides the distance to the middle
INACTIVE_CHOICE = -1
HALF = 0.5**0.5  # two choices that differ are 1 apart


@dataclass(frozen=True)
class Features:
    """The rows of `genome`, and log epochs where results of `several` are learned from, as [configurations, features].

    Numbers are as far apart as they are on the scale of the space, ordinals by their places. Unordered values are 1
    apart, or 0, and so are a choice and none. An inactive number lies in the middle, and INACTIVE from all active ones.
    So each distance is Euclidean, as covariances ask. `owner` tells to which hyperparameter a feature belongs; those of
    the unordered ones, numbers 0 to `unordered` - 1, come first.
    """

    genome: Genome
    epochs: int
    several: bool

    def of(self, rows: Rows, epochs: Sequence[int] | None = None) -> Array:
        """Return the features of `rows` after `epochs` each, full trainings by default."""
        columns = [self._feature(column, choice, rows[:, column]) for column, choice in self._plan]
        if self.several:
            after = np.log(np.full(len(rows), self.epochs) if epochs is None else np.asarray(epochs))
            columns.append(after / np.log(max(2, self.epochs)))
        return np.stack(columns, axis=1) if columns else np.zeros((len(rows), 1))

    @cached_property
    def owner(self) -> NDArray[np.intp]:
        """The number of the hyperparameter that each feature belongs to."""
        columns = [column for column, _ in self._plan]
        numbers = {column: number for number, column in enumerate(dict.fromkeys(columns))}
        epochs = [len(numbers)] if self.several else []
        return np.array([*(numbers[column] for column in columns), *epochs] or [0])

    @cached_property
    def unordered(self) -> int:
        """How many hyperparameters are unordered."""
        return int((self.genome.unordered & self.genome.varies).sum())

    @cached_property
    def _plan(self) -> list[tuple[int, int | None]]:
        """Column and choice of each feature, no choice where it is a number, -1 for being inactive."""
        genome, choices, numbers = self.genome, list[tuple[int, int | None]](), list[tuple[int, int | None]]()
        for column in map(int, np.flatnonzero(genome.varies)):
            gene = genome.genes[column]
            inactive: list[int | None] = [INACTIVE_CHOICE] if genome.space.parent_conditions_of[gene.name] else []
            if isinstance(gene, CategoricalHyperparameter):
                choices += [(column, choice) for choice in (*range(int(gene.size)), *inactive)]
            else:
                numbers += [(column, choice) for choice in (None, *inactive)]
        return [*choices, *numbers]

    def _feature(self, column: int, choice: int | None, values: Array) -> Array:
        gene = self.genome.genes[column]
        if choice is None:
            last = int(gene.size) - 1 if isinstance(gene, OrdinalHyperparameter) else 1
            return np.where(np.isnan(values), 0.5, values / last)
        apart = HALF if self.genome.unordered[column] else INACTIVE**0.5
        return apart * (np.isnan(values) if choice == INACTIVE_CHOICE else values == choice)

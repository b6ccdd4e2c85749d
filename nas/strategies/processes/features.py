"""How far are two configurations apart? As numbers whose squared differences are the distances."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from ConfigSpace import CategoricalHyperparameter, OrdinalHyperparameter
from numpy.typing import NDArray

from nas.strategies.breeding.genome import Genome
from nas.strategies.modelling import Rows
from nas.strategies.processes.layout import Layout

Array = NDArray[np.float64]

INACTIVE = 0.75  # what an inactive number is apart from an active one, besides the distance to the middle
INACTIVE_CHOICE = -1
HALF = 0.5**0.5  # two choices that differ are 1 apart


@dataclass(frozen=True)
class Features:
    """The rows of `genome`, and log epochs where results of `several` are learned from, as [configurations, features].

    Numbers are as far apart as they are on the scale of the space, ordinals by their places. Unordered values are 1
    apart, or 0, and so are a choice and none. An inactive number lies in the middle, and INACTIVE from all active ones.
    Of the same choices at several places, as a cell has operations, it counts, too, how often each is taken: these
    counts are a hyperparameter more. So each distance is Euclidean, as covariances ask.
    """

    genome: Genome
    epochs: int
    several: bool

    def of(self, rows: Rows, epochs: Sequence[int] | None = None) -> Array:
        """Return the features of `rows` after `epochs` each, full trainings by default."""
        choices = [self._feature(column, choice, rows[:, column]) for column, choice in self._choices]
        counts = [HALF * (rows[:, places] == choice).sum(axis=1) for places, choice in self._counts]
        numbers = [self._feature(column, choice, rows[:, column]) for column, choice in self._numbers]
        columns = [*choices, *counts, *numbers]
        if self.several:
            after = np.log(np.full(len(rows), self.epochs) if epochs is None else np.asarray(epochs))
            columns.append(after / np.log(max(2, self.epochs)))
        return np.stack(columns, axis=1) if columns else np.zeros((len(rows), 1))

    @cached_property
    def layout(self) -> Layout:
        """Which feature belongs to which hyperparameter: those without an order, the counts, numbers, log epochs."""
        counted = [tuple(places) for places, _ in self._counts]
        owners = [*(column for column, _ in self._choices), *counted, *(column for column, _ in self._numbers)]
        owners += ["epochs"] if self.several else []
        numbers = {owner: number for number, owner in enumerate(dict.fromkeys(owners))}
        unordered = len({column for column, _ in self._choices})
        return Layout(np.array([numbers[owner] for owner in owners] or [0]), unordered, len(set(counted)))

    @cached_property
    def _choices(self) -> list[tuple[int, int]]:
        """Column and choice of each feature of what is unordered, -1 for being inactive."""
        genes, unordered = self.genome.genes, [column for column in self._varying if self.genome.unordered[column]]
        return [
            (column, choice)
            for column in unordered
            for choice in (*range(int(genes[column].size)), *self._inactive(column))
        ]

    @cached_property
    def _numbers(self) -> list[tuple[int, int | None]]:
        """Column of each feature of what is ordered, with None for its value and -1 for being inactive."""
        ordered = [column for column in self._varying if not self.genome.unordered[column]]
        return [(column, choice) for column in ordered for choice in (None, *self._inactive(column))]

    @cached_property
    def _counts(self) -> list[tuple[list[int], int]]:
        """Columns and choice of each count: of unordered hyperparameters that are alike but for digits of the name."""
        alike = defaultdict[tuple[str, tuple[Any, ...]], list[int]](list)
        for column in self._varying:
            gene = self.genome.genes[column]
            if isinstance(gene, CategoricalHyperparameter):
                alike[re.sub(r"\d+", "", gene.name), tuple(gene.choices)].append(column)
        several = [places for places in alike.values() if len(places) > 1]
        return [(places, choice) for places in several for choice in range(int(self.genome.genes[places[0]].size))]

    @cached_property
    def _varying(self) -> list[int]:
        return list(map(int, np.flatnonzero(self.genome.varies)))

    def _inactive(self, column: int) -> list[int]:
        conditional = self.genome.space.parent_conditions_of[self.genome.genes[column].name]
        return [INACTIVE_CHOICE] if conditional else []

    def _feature(self, column: int, choice: int | None, values: Array) -> Array:
        gene = self.genome.genes[column]
        if choice is None:
            last = int(gene.size) - 1 if isinstance(gene, OrdinalHyperparameter) else 1
            return np.where(np.isnan(values), 0.5, values / last)
        apart = HALF if self.genome.unordered[column] else INACTIVE**0.5
        return apart * (np.isnan(values) if choice == INACTIVE_CHOICE else values == choice)

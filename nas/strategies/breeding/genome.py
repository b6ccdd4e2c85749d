"""How are many configurations varied at once? As rows of numbers on ConfigSpace's own scales, NaN where inactive.

Sampling, mutation and recombination are those of `variation`, for hundreds of drafts in the time of a few.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace
from ConfigSpace.hyperparameters import FloatHyperparameter, Hyperparameter
from numpy.random import RandomState
from numpy.typing import NDArray

from nas.core.types import Config
from nas.core.values import listed, to_values, to_vector
from nas.strategies.breeding.variation import EXTRA_GENES, LOCAL_SHARE, LOCAL_STEP
from nas.strategies.modelling import Rows

Column = NDArray[np.float64]

FEW = 12  # values: a hyperparameter with no more is looked at whole, of others some values beside
STEPS = (0.01, 0.05, 0.2)  # to these, either way: standard deviations as shares of the range
MANY = 1 << 16  # values: those of a hyperparameter with more are as good as continuous
SMALL, WHOLE = 20_000, 1_000  # configurations of a space that is listed, and of one that is looked at whole
DRAWN = 4096  # values of each prior, which rows are put together of


class Genome:
    """The hyperparameters of `space` as columns, parents before their children."""

    def __init__(self, space: ConfigurationSpace) -> None:
        self.space = space
        self.genes: list[Hyperparameter[Any, Any]] = list(space.values())
        self.varies = np.array([gene.size > 1 for gene in self.genes])
        self.unordered = np.array([isinstance(gene, CategoricalHyperparameter) for gene in self.genes])
        self._grids = [_grid(gene) for gene in self.genes]
        self._written = dict[Config, Rows]()  # rows by configuration: each is asked for time and again

    def rows(self, configs: Sequence[Config]) -> Rows:
        """Return the rows of `configs`."""
        fresh = [config for config in configs if config not in self._written]
        self._written.update(zip(fresh, self._rows(fresh), strict=True))
        return np.array([self._written[config] for config in configs]).reshape(-1, len(self.genes))

    def _rows(self, configs: Sequence[Config]) -> Rows:
        rows = np.full((len(configs), len(self.genes)), np.nan)
        held = [config.values for config in configs]
        for column, gene in enumerate(self.genes):
            where = [place for place, values in enumerate(held) if gene.name in values]
            if where:
                rows[where, column] = to_vector(gene, [held[place][gene.name] for place in where])
        return rows

    def configs(self, rows: Rows) -> list[Config]:
        """Return the configurations of `rows`."""
        held = list[dict[str, Any]]([{} for _ in rows])
        for column, gene in enumerate(self.genes):
            where = np.flatnonzero(~np.isnan(rows[:, column]))
            if len(where):
                for place, value in zip(where, to_values(gene, rows[where, column]), strict=True):
                    held[place][gene.name] = value
        return [Config.of(values) for values in held]

    def sampled(self, count: int, rng: RandomState) -> Rows:
        """Return rows drawn from the priors of the space."""
        return self._active(self._drawn(count, rng))

    def mutated(self, parents: Rows, rng: RandomState) -> Rows:
        """Return each of `parents` with one or a few active values drawn anew or, where they are ordered, moved."""
        varies = ~np.isnan(parents) & self.varies
        wanted = np.minimum(1 + rng.poisson(EXTRA_GENES, len(parents)), varies.sum(axis=1))
        lots = np.where(varies, rng.rand(*parents.shape), np.inf)
        changes = lots.argsort(axis=1).argsort(axis=1) < wanted[:, None]
        steps = changes & ~self.unordered & (rng.rand(*parents.shape) < LOCAL_SHARE)
        drawn, shares = self._drawn(len(parents), rng), rng.normal(0, LOCAL_STEP, parents.shape)
        children = np.where(changes, drawn, parents)
        for column in map(int, np.flatnonzero(steps.any(axis=0))):
            rows = steps[:, column]
            children[rows, column] = self._moved(column, parents[rows, column], shares[rows, column])
        return self._completed(children, drawn)

    def recombined(self, ones: Rows, others: Rows, rng: RandomState) -> Rows:
        """Return uniform crossovers, depth included: a layer that only one has is there to be inherited."""
        chosen = np.where(rng.rand(*ones.shape) < 0.5, ones, others)
        chosen = np.where(np.isnan(chosen), np.where(np.isnan(ones), others, ones), chosen)
        return self._completed(chosen, self._drawn(len(ones), rng))

    def neighbours(self, rows: Rows, rng: RandomState) -> tuple[Rows, NDArray[np.intp]]:
        """Return what differs from one of `rows` in one value, and from which: every such, or some of many values."""
        found, of = [rows[:0]], [np.empty(0, dtype=np.intp)]
        for column in np.flatnonzero(self.varies):
            there = np.flatnonzero(~np.isnan(rows[:, column]))
            values = self._beside(int(column), rows[there, column], rng)  # [rows, values]
            place, number = np.nonzero(values != rows[there, column][:, None])
            near = rows[there[place]]
            near[:, column] = values[place, number]
            found.append(near)
            of.append(there[place])
        near = np.concatenate(found)
        return self._completed(near, self._drawn(len(near), rng)), np.concatenate(of)

    def fresh(self, count: int, rng: RandomState) -> Rows:
        """Return `count` rows that owe nothing to others: draws; of a small space different ones, or all."""
        every = self.every
        if every is None:
            return self.sampled(count, rng)
        return every if len(every) <= WHOLE else every[rng.choice(len(every), min(count, len(every)), replace=False)]

    @cached_property
    def every(self) -> Rows | None:
        """All configurations, each once; None where more than SMALL combinations are to be looked at."""
        grids = [grid for grid in self._grids if grid is not None]
        if len(grids) < len(self.genes) or np.prod([float(len(grid)) for grid in grids]) > SMALL:
            return None
        rows = self._active(np.stack([each.ravel() for each in np.meshgrid(*grids, indexing="ij")], axis=1))
        return rows[np.unique(np.nan_to_num(rows, nan=-1.0), axis=0, return_index=True)[1]]

    def _beside(self, column: int, values: Column, rng: RandomState) -> Rows:
        """Return for each of `values` others of its hyperparameter, perhaps itself among them."""
        grid = self._grids[column]
        if grid is not None and len(grid) <= FEW:
            return np.tile(grid, (len(values), 1))
        if self.unordered[column]:
            drawn: Rows = self._bank[rng.randint(DRAWN, size=(len(values), FEW)), column]
            return drawn
        shares = np.outer(STEPS, (-1, 1)).ravel() * rng.uniform(0.5, 1.5, (len(values), 2 * len(STEPS)))
        return self._moved(column, values[:, None], shares)

    def _moved(self, column: int, values: Column, shares: Column) -> Column:
        """Return `values` moved by `shares` of the range, at least about from one value to the next."""
        gene, grid = self.genes[column], self._grids[column]
        low, high = gene.lower_vectorized, gene.upper_vectorized
        least = 0.0 if grid is None else 1 / (len(grid) - 1)
        far = np.sign(shares) * np.maximum(np.abs(shares), least) * (high - low)
        return self._legal(column, np.clip(values + far, low, high))

    def _legal(self, column: int, values: Column) -> Column:
        """Return the values of the hyperparameter nearest to `values`; as they are where there are too many."""
        grid = self._grids[column]
        if grid is None:
            return values
        above = np.clip(np.searchsorted(grid, values), 1, len(grid) - 1)
        return np.where(values - grid[above - 1] < grid[above] - values, grid[above - 1], grid[above])

    @cached_property
    def _bank(self) -> Rows:
        """Draws of every prior. ConfigSpace takes as long for a few as for many, so they are drawn once."""
        rng = RandomState(0)
        drawn = [gene.sample_vector(DRAWN, seed=rng) for gene in self.genes]
        return np.stack(drawn, axis=1, dtype=np.float64)  # weighted choices come as whole numbers, which know no NaN

    def _drawn(self, count: int, rng: RandomState) -> Rows:
        return np.take_along_axis(self._bank, rng.randint(DRAWN, size=(count, len(self.genes))), axis=0)

    def _completed(self, rows: Rows, drawn: Rows) -> Rows:
        return self._active(np.where(np.isnan(rows), drawn, rows))

    def _active(self, rows: Rows) -> Rows:
        """Return `rows` without what their conditions make inactive."""
        if not self.space.conditions:
            return rows
        rows = rows.copy()
        vectors = np.full((len(self.genes), len(rows)), np.nan)  # in the order of ConfigSpace
        for column, gene in enumerate(self.genes):
            for condition in self.space.parent_conditions_of[gene.name]:
                rows[~condition.satisfied_by_vector_array(vectors), column] = np.nan
            vectors[self.space.index_of[gene.name]] = rows[:, column]
        return rows


def _grid(gene: Any) -> Column | None:
    """Return all values on the scale of ConfigSpace, in order; None where there are too many."""
    if isinstance(gene, FloatHyperparameter) or gene.size > MANY:
        return None
    values = listed(gene)
    return to_vector(gene, range(gene.lower, gene.upper + 1) if values is None else values)

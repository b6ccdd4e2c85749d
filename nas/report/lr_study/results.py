"""What came of each optimizer and policy: at which rate is it best, how good is it there, how far from tuned cosine?"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, stdev
from typing import Any

from nas.core.parts import parted
from nas.core.types import Result, Status
from nas.report.lr_study.study import Pair, Study
from nas.training.lr_study import ON_TEST, SEED, TOTAL_OVER_USEFUL
from nas.training.trajectory import well_formed

_REFERENCE = "cosine"  # the policy whose tuned form the others are held against


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error, which takes two values."""

    mean: float
    error: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Estimate | None":
        """Return that of the values; None where there is none."""
        if not values:
            return None
        return cls(fmean(values), stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None)


@dataclass(frozen=True)
class Cell:
    """A pair at one rate: the metrics of each seed whose training came to its end, and how the others failed."""

    rate: float
    metrics: Mapping[int, Mapping[str, float]]
    failed: Counter[str]

    def values(self, metric: str) -> list[float]:
        return [each[metric] for each in self.metrics.values()]


@dataclass(frozen=True)
class Group:
    """A pair at all rates that it was trained at."""

    pair: Pair
    cells: tuple[Cell, ...]
    finds_its_own: bool

    @property
    def name(self) -> str:
        return ", ".join(self.pair)

    @property
    def failed(self) -> Counter[str]:
        return sum((cell.failed for cell in self.cells), Counter[str]())

    @property
    def trainings(self) -> int:
        """How many were made."""
        return sum(len(cell.metrics) + cell.failed.total() for cell in self.cells)


@dataclass(frozen=True)
class Outcome:
    """What a study has found so far. Rates are chosen by the mean `objective` on validation images, never by test."""

    study: Study
    results: Sequence[Result]
    objective: str
    maximize: bool

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The pairs that have results."""
        groups = (Group(pair, self._cells(pair), pair in self.study.self_tuned) for pair in self.study.pairs)
        return tuple(group for group in groups if group.cells)

    def _cells(self, pair: Pair) -> tuple[Cell, ...]:
        cells = (self._cell(pair, rate) for rate in self.study.rates_of(pair))
        return tuple(cell for cell in cells if cell.metrics or cell.failed)

    def _cell(self, pair: Pair, rate: float) -> Cell:
        own = [result for result in self.results if _place(result) == (*pair, rate)]
        ended = {int(str(r.config[SEED])): r.metrics for r in own if r.status is Status.OK}
        return Cell(rate, ended, Counter(str(r.status) for r in own if r.status is not Status.OK))

    def tuned(self, group: Group) -> Cell:
        """Return the best rate: with the fewest failures, on the most seeds so far, and best in validation."""

        def merit(cell: Cell) -> tuple[int, int, float]:
            found = Estimate.of(cell.values(self.objective))
            value = found.mean if found else -math.inf
            return -cell.failed.total(), len(cell.metrics), value if self.maximize or not found else -value

        return max(group.cells, key=merit)

    def reference(self, optimizer: str) -> Group | None:
        """Return what a pair is held against: the optimizer's own cosine, tuned, else the best of the others'."""
        tuned = [g for g in self.groups if parted(g.pair[1])["name"] == _REFERENCE and not g.finds_its_own]
        own = [group for group in tuned if group.pair[0] == optimizer]
        sign = 1 if self.maximize else -1

        def merit(group: Group) -> float:
            found = Estimate.of(self.tuned(group).values(self.objective))
            return sign * found.mean if found else -math.inf

        return max(own or tuned, key=merit, default=None)

    def difference(self, cell: Cell, reference: Cell) -> Estimate | None:
        """Return by how much the test metric is more than that of the reference, paired over the seeds of both."""
        metric = self.tested
        both = [seed for seed in cell.metrics if seed in reference.metrics]
        return Estimate.of([cell.metrics[seed][metric] - reference.metrics[seed][metric] for seed in both])

    @property
    def tested(self) -> str:
        """The name of the objective on the test part."""
        return f"{ON_TEST}{self.objective}"

    def trajectories(self, group: Group) -> dict[int, list[Mapping[str, Any]]]:
        """Return by seed what the trainings of a pair tell of their rates, of those that tell anything."""
        own = [r for r in self.results if _place(r)[:2] == group.pair]
        found = {int(str(r.config[SEED])): well_formed(r.details.get("trajectories")) for r in own}
        return {seed: each for seed, each in found.items() if each}

    def total_over_useful(self, cell: Cell) -> float | None:
        """Return the steps taken over those that were not taken back, their mean."""
        found = Estimate.of(cell.values(TOTAL_OVER_USEFUL))
        return found.mean if found else None


def _place(result: Result) -> tuple[object, ...]:
    return tuple(result.config[name] for name in ("optimizer", "policy", "learning_rate"))

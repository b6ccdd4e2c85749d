"""Which configuration deserves training? That of the largest expected feasible improvement, by processes of the metrics."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr

from nas.core.constraints import Constraint
from nas.core.ranking import outcome
from nas.core.types import Result, Status, in_logical_order
from nas.strategies.breeding.genome import Genome, Rows
from nas.strategies.processes.features import Features
from nas.strategies.processes.process import Process, Scales, fitted
from nas.strategies.processes.targets import Target, metric, objective, target

Array = NDArray[np.float64]
MOST = 300


@dataclass(frozen=True)
class Beliefs:
    features: Features
    results: Sequence[Result]
    constraints: Sequence[Constraint]  # the expensive ones
    epochs: int
    before: "Beliefs | None" = None
    news: float = 1.1

    def question(self, rng: RandomState, making: Rows) -> Callable[[Rows], Array] | None:
        if self._twins and rng.rand() < self._twins:
            return None
        soon = self._at(making)

        def appeal(rows: Rows) -> Array:
            at = self._at(rows)
            total = np.zeros(len(rows))
            for process, bound in zip(self._processes[1:], self._bounds, strict=True):
                mean, deviation = process.predicted(at, soon)
                total += log_ndtr((mean - bound) / deviation)
            if self._best is not None:
                mean, deviation = self._processes[0].predicted(at, soon)
                total += np.log(deviation) + log_improvement((mean - self._best) / deviation)
            return np.round(total, 6)

        return appeal

    @cached_property
    def _twins(self) -> float:
        succeeded = [result for result in self.results if result.status is Status.OK]
        return 1 - len({outcome(result) for result in succeeded}) / max(1, len(succeeded))

    @cached_property
    def _known(self) -> list[Result]:
        """The results learned from: where there are too many the best half of them and the rest evenly."""
        results = in_logical_order(self.results)
        if len(results) <= MOST:
            return list(results)
        ranked = sorted(range(len(results)), key=lambda i: results[i].score, reverse=True)
        rest = ranked[MOST // 2 :]
        evenly = [rest[int(i)] for i in np.linspace(0, len(rest) - 1, MOST - MOST // 2)]
        return [results[i] for i in sorted({*ranked[: MOST // 2], *evenly})]

    @cached_property
    def _targets(self) -> list[Target]:
        every, kept = in_logical_order(self.results), {result.job.key for result in self._known}
        there = np.array([result.job.key in kept for result in every])
        found = [target(objective(every)), *(target(metric(every, c), c.bound * (1 if c.relation == ">=" else -1)) for c in self.constraints)]
        return [Target(each.scores[there], each.bound) for each in found]

    @cached_property
    def _several(self) -> bool:
        return len({result.epochs for result in self.results}) > 1

    def _at(self, rows: Rows, epochs: Sequence[int] | None = None) -> Array:
        found = self.features.of(rows)
        if not self._several:
            return found
        log = np.log(np.full(len(rows), self.epochs) if epochs is None else np.asarray(epochs)) / max(1.0, math.log(self.epochs))
        return np.column_stack([found, log])

    @cached_property
    def _owner(self) -> Array:
        return np.array([*self.features.owner, *([self.features.owners] if self._several else [])])

    @cached_property
    def _training(self) -> Array:
        rows = self.features.genome.rows([r.job.trial.config for r in self._known])
        return self._at(rows, [r.epochs for r in self._known])

    @cached_property
    def fitted(self) -> tuple[int, list[Scales]]:
        """How many results the scales were fitted to, and the scales."""
        count, scales = self.before.fitted if self.before else (0, [])
        same = bool(scales) and len(scales[0].weights) == int(self._owner.max()) + 1
        if same and len(self.results) < count * self.news:
            return count, scales
        starts = scales if same else [None] * len(self._targets)
        return len(self.results), [fitted(self._training, self._owner, t.scores, s) for t, s in zip(self._targets, starts, strict=True)]

    @cached_property
    def _processes(self) -> list[Process]:
        return [Process(self._training, t.scores, s, self._owner) for t, s in zip(self._targets, self.fitted[1], strict=True)]

    @cached_property
    def _bounds(self) -> list[float]:
        return [each.bound for each in self._targets[1:]]

    @cached_property
    def _best(self) -> float | None:
        """The best feasible so far, None where nothing is."""
        scores = self._targets[0].scores
        feasible = [s for r, s in zip(self._known, scores, strict=True) if r.score.feasibility == 0 and r.status is Status.OK and r.epochs == self.epochs]
        if not feasible:
            feasible = [s for r, s in zip(self._known, scores, strict=True) if r.score.feasibility == 0 and r.status is Status.OK]
        return max(feasible, default=None)


def log_improvement(z: Array) -> Array:
    """Return log(pdf(z) + z * cdf(z)), stable however far z is below 0 (Ament et al. 2023)."""
    low = np.minimum(z, -1.0)
    tail = -0.5 * low**2 - 0.5 * math.log(2 * math.pi)
    far = tail - 2 * np.log(np.maximum(-low, 1.0))
    inner = 1 - np.sqrt(math.pi / 2) * -low * erfcx(-low / math.sqrt(2))
    near = tail + np.log(np.maximum(inner, 1e-30))
    cdf = np.exp(log_ndtr(z))
    high = np.log(np.maximum(np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi) + z * cdf, 1e-300))
    return np.where(z > -1, high, np.where(low > -1e3, np.where(low > -50, near, far), far))

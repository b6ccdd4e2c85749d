"""Which child promises most? The one of the largest expected feasible improvement, as processes of the metrics say."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr

from nas.core.ranking import twins
from nas.core.seeds import generator
from nas.core.types import Result
from nas.strategies.modelling import Appeal, Rows, Sought
from nas.strategies.processes.covariance import Covariance, fitted
from nas.strategies.processes.features import Features
from nas.strategies.processes.process import Process
from nas.strategies.processes.targets import Outcomes, Target, normal

Array = NDArray[np.float64]

FITTED = 150  # results at most that covariances are fitted to: they need fewer than predictions
TOLERATED, SILENT = 0.15, 2.0  # share of twins that may be chance, and how much of what is above it silences
DIGITS = 6  # of an appeal: what differs by rounding alone is equal, and the first of equals is taken


class Settings(Protocol):
    """How many results are learned from, and how many more there must be to fit anew."""

    @property
    def most(self) -> int: ...
    @property
    def news(self) -> float: ...


@dataclass(frozen=True)
class Scales:
    """The covariances of the processes, and to how many results, of one or of several numbers of epochs, they fit."""

    results: int
    several: bool
    covariances: tuple[Covariance, ...]


@dataclass(frozen=True)
class Beliefs:
    """What results say of the objective and of each metric that is constrained, as a process each.

    Expected improvement times the probability that every constraint is met, as logarithms (Gardner et al. 2014, Ament
    et al. 2023). While nothing is feasible, of a metric whose bound is out of reach the expected improvement counts.
    What is to be exceeded is what the processes believe of what is known: the best result of many is a lucky one. The
    more of the results are twins, the more seldom it is asked: on plateaus it only repeats what is known.
    """

    settings: Settings
    sought: Sought
    outcomes: Outcomes
    seed: int = 0
    before: Scales | None = None

    @property
    def results(self) -> tuple[Result, ...]:
        """What it was learned from."""
        return self.outcomes.results

    def appeal(self, rng: RandomState, making: Rows) -> Appeal | None:
        """Return what rates rows by the logarithm of that; None where twins silence it."""
        if rng.rand() < SILENT * (self._twins - TOLERATED):
            return None
        soon = self._features.of(making)
        constrained = list(zip(self._processes[1:], self._targets[1:], self._reached(soon), strict=True))
        best = self._expected(soon)

        def rated(rows: Rows) -> Array:
            at, rating = self._features.of(rows), np.zeros(len(rows))
            for process, target, reached in constrained:
                mean, deviation = process.predicted(at, soon)
                if best is None and target.bound > reached:
                    rating += np.log(deviation) + log_improvement((mean - reached) / deviation)
                else:
                    rating += log_ndtr((mean - min(target.bound, reached)) / deviation)
            if best is not None:
                mean, deviation = self._processes[0].predicted(at, soon)
                rating += np.log(deviation) + log_improvement((mean - best) / deviation)
            return np.round(rating, DIGITS)

        return rated

    def _expected(self, soon: Array) -> float | None:
        """Return what is to be exceeded: the best feasible, also of what is in the making; None while there is none."""
        if self._best is None or not len(soon):
            return self._best
        feasible = np.full(len(soon), True)
        for process, target in zip(self._processes[1:], self._targets[1:], strict=True):
            feasible &= process.mean(soon) >= target.bound
        return float(max([self._best, *self._processes[0].mean(soon)[feasible]]))

    @cached_property
    def scales(self) -> Scales:
        """The covariances: those of before, until there are enough news. Each fit draws anew what is left open."""
        before, several, features = self.before, self._features.several, self._features
        if before and before.several == several and len(self.results) < before.results * self.settings.news:
            return before
        chosen = slice(None, None, -(-len(self._known) // FITTED))
        begin = before.covariances if before and before.several == several else [None] * len(self._targets)
        at, names = self._training[chosen], ["", *(constraint.metric for constraint in self.sought.constraints)]
        found = [
            fitted(at, features.layout, target.scores[chosen], covariance, self._draws(name))
            for name, target, covariance in zip(names, self._targets, begin, strict=True)
        ]
        return Scales(len(self.results), several, tuple(found))

    def _draws(self, metric: str) -> RandomState:
        return generator("covariance", self.seed, metric)

    @cached_property
    def _processes(self) -> list[Process]:
        pairs = zip(self.scales.covariances, self._targets, strict=True)
        return [Process(covariance, self._training, target.scores) for covariance, target in pairs]

    @cached_property
    def _features(self) -> Features:
        return Features(self.sought.genome, self.sought.epochs, self.outcomes.several)

    @cached_property
    def _training(self) -> Array:
        rows = self.sought.genome.rows([result.job.trial.config for result in self._known])
        return self._features.of(rows, [result.epochs for result in self._known])

    @cached_property
    def _places(self) -> NDArray[np.intp]:
        """Which results are learned from: of too many the best half, and of the rest some, evenly by rank."""
        most = self.settings.most
        if len(self.results) <= most:
            return np.arange(len(self.results))
        ranked = np.lexsort((-self.outcomes.metrics[0], -self.outcomes.feasibility))
        evenly = np.linspace(most // 2, len(ranked) - 1, most - most // 2).astype(int)
        return np.sort(np.concatenate([ranked[: most // 2], ranked[evenly]]))

    @cached_property
    def _known(self) -> list[Result]:
        return [self.results[place] for place in self._places]

    @cached_property
    def _targets(self) -> list[Target]:
        """The objective, then the metrics that are constrained, their ranks among all results."""
        first, *constrained = self.outcomes.metrics
        every = [normal(first), *(normal(kept, 0.0) for kept in constrained)]
        return [Target(target.scores[self._places], target.bound) for target in every]

    @cached_property
    def _best(self) -> float | None:
        """The largest mean of what is feasible, of full trainings where there are some; None where nothing is."""
        scores = self._believed[0]
        feasible = [(r.epochs, s) for r, s in zip(self._known, scores, strict=True) if r.score.feasibility == 0]
        return max(feasible)[1] if feasible else None

    @cached_property
    def _believed(self) -> list[Array]:
        """The mean of each process at what is known, were it fully trained."""
        at = self._features.of(self.sought.genome.rows([result.job.trial.config for result in self._known]))
        return [process.mean(at) for process in self._processes]

    def _reached(self, soon: Array) -> list[float]:
        """Return the largest mean of each constrained metric, of what is known, were it fully trained, or is `soon`."""
        pairs = zip(self._processes[1:], self._believed[1:], strict=True)
        return [float(max([believed.max(), *process.mean(soon)])) for process, believed in pairs]

    @cached_property
    def _twins(self) -> float:
        return twins(self._known)


def log_improvement(z: Array) -> Array:
    """Return log(pdf(z) + z cdf(z)), to a few digits however far `z` is below 0 (Ament et al. 2023)."""
    density = -0.5 * z**2 - 0.5 * math.log(2 * math.pi)
    near = np.log(np.exp(density) + z * np.exp(log_ndtr(z)), where=z > -1, out=np.zeros_like(z))
    below = np.minimum(z, -1)
    mills = 1 + math.sqrt(math.pi / 2) * below * erfcx(-below / math.sqrt(2))
    tail = np.where(below > -100, np.log(np.maximum(mills, 1e-300)), -2 * np.log(-below))
    return np.where(z > -1, near, density + tail)

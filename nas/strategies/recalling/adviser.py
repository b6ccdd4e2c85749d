"""Which training says most, and which configuration is best? By what earlier tasks and this one have shown.

Y. Xiao, E. P. Xing and W. Neiswanger, Amortized Auto-Tuning: Cost-Efficient Transfer Optimization for Hyperparameter
Recommendation, arXiv:2106.09179, 2021.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nas.core.constraints import Constraint
from nas.core.errors import Unbuildable
from nas.core.types import Config, Result, Status
from nas.strategies.recalling.candidates import Known

if TYPE_CHECKING:
    from nas.transfer.belief import Belief, Forecast

_DEVIATIONS = 1.645  # standard deviations from the middle of a 90 % interval to its ends


@dataclass(frozen=True)
class Step:
    """Train a candidate to so many epochs in all, `cost` more than it has had."""

    candidate: int
    epochs: int
    cost: int


class Adviser:
    """What is believed of each of the candidates `configs` at the epochs `knots`, and which may be trained at all."""

    def __init__(self, known: Known, configs: Sequence[Config], knots: tuple[int, ...], model: str) -> None:
        self.configs, self.knots = tuple(configs), knots
        self._known, self._places = known, {config: place for place, config in enumerate(self.configs)}
        self._beliefs = {metric: self._learned(metric, maximize, model) for metric, maximize in _metrics(known).items()}
        self._seen = dict[int, list[Result]]()
        self._excluded = set[int]()  # failed, or broke a cheap constraint

    @property
    def belief(self) -> Belief:
        """What is believed of the objective."""
        return self._beliefs[self._known.spec.objective]

    @property
    def forecast(self) -> Forecast:
        """What is expected of the objective."""
        return self.belief.forecast()

    def place(self, config: Config) -> int:
        """Return the number of a candidate."""
        return self._places[config]

    def reached(self, candidate: int) -> int:
        """Return for how many epochs the candidate was trained."""
        seen = self._seen.get(candidate)
        return seen[-1].epochs if seen else 0

    def seen(self, candidate: int) -> Sequence[Result]:
        """Return what came of training the candidate here."""
        return self._seen.get(candidate, ())

    def told(self, results: Iterable[Result]) -> Adviser:
        """Return itself, which has learned from `results` of its candidates."""
        for result in results:
            self.learn(result)
        return self

    def learn(self, result: Result) -> None:
        """Learn from a result of a candidate; what failed is no candidate any more."""
        place = self._places[result.job.trial.config]
        self._seen.setdefault(place, []).append(result)
        if result.status is not Status.OK:
            self._excluded.add(place)
        elif result.epochs in self.knots:
            knot = self.knots.index(result.epochs)
            for metric, belief in self._beliefs.items():
                if metric in result.metrics:
                    self._beliefs[metric] = belief.tell(place, knot, self._best_so_far(metric, place))

    def steps(
        self, count: int, epochs: float, trials: float, probes: Sequence[Config] = (), new: bool = False
    ) -> list[Step]:
        """Return up to `count` trainings of different candidates that say most, within the limits.

        The first is of the first of the `probes` that may begin, where there are some. After the first, each is chosen
        as if those before had come out as predicted. With `new` nothing is trained on while there is what may begin.
        """
        belief, chance, chosen, told = self.belief, self.chance(), list[Step](), 0
        if trials >= 1 and epochs >= self.knots[0]:
            places = (self._places[config] for config in probes)
            chosen = [self._next(place) for place in islice(filter(self.may_begin, places), 1)]
        while len(chosen) < count:
            for step in chosen[told:]:
                belief = self._as_predicted(belief, step)
            told = len(chosen)
            spent = sum(step.cost for step in chosen)
            begun = sum(not self.reached(step.candidate) for step in chosen)
            barred = {step.candidate for step in chosen} | self._barred(epochs - spent, trials - begun)
            begun_before = {place for place in self._seen if new}
            barred |= begun_before if len(barred | begun_before) < len(self.configs) else set()
            candidate = belief.next(chance, barred) if len(barred) < len(self.configs) else None
            if candidate is None:
                break
            if not self.reached(candidate) and not self.may_begin(candidate):
                continue
            chosen.append(self._next(candidate))
        return chosen

    def ranking(self, count: int, among: Collection[int] | None = None) -> list[int]:
        """Return the best candidates, the best first, all of which may be trained; of `among`, where given."""
        chance, found = self.chance(), list[int]()
        allowed = np.zeros(len(self.configs), bool)
        allowed[[*(range(len(self.configs)) if among is None else among)]] = True
        while len(found) < count:
            allowed[[*found, *self._excluded]] = False
            if not allowed.any():
                break
            best = self.belief.best(np.where(allowed, np.maximum(chance, 1e-9), 0.0))
            if self.reached(best) or self.may_begin(best):
                found.append(best)
        return found

    def completions(self, epochs: float, trials: float) -> list[int]:
        """Return which candidates are not fully trained yet and can be within the limits."""
        full = self.knots[-1]
        return [
            place for place in range(len(self.configs))
            if 0 < full - self.reached(place) <= epochs and (self.reached(place) or trials >= 1)
        ]  # fmt: skip

    def may_begin(self, candidate: int) -> bool:
        """Return whether the candidate can be built and meets the cheap constraints; others are excluded."""
        try:
            config = self.configs[candidate]
            legal = candidate not in self._excluded and not self._known.cheap.broken(config)
            if legal:
                self._known.cheap.all(config)
        except Unbuildable:
            legal = False
        if not legal:
            self._excluded.add(candidate)
        return legal

    def chance(self) -> NDArray[np.float64]:
        """Return the probability that each candidate meets the constraints that only training tells: [candidates]."""
        chance = np.ones(len(self.configs))
        for constraint in _expensive(self._known):
            chance *= self._believed(constraint) if constraint.metric in self._beliefs else self._observed(constraint)
        return chance

    def _learned(self, metric: str, maximize: bool, model: str) -> Belief:
        from nas.transfer.models import learn  # here, for --help to stay quick
        from nas.transfer.past import past_of

        known = self._known
        families = {name: task.family for name, task in known.experience.tasks.items()}
        past = past_of(known.experience.curves, self.configs, known.space, self.knots, metric, maximize, families)
        return learn(past, model)

    def _as_predicted(self, belief: Belief, step: Step) -> Belief:
        knot = self.knots.index(step.epochs)
        return belief.tell(step.candidate, knot, float(belief.forecast().mean[step.candidate, knot]))

    def _best_so_far(self, metric: str, candidate: int) -> float:
        values = [result.metrics[metric] for result in self._seen[candidate] if metric in result.metrics]
        return max(values) if _metrics(self._known)[metric] else min(values)

    def _next(self, candidate: int) -> Step:
        reached = self.reached(candidate)
        epochs = next(knot for knot in self.knots if knot > reached)
        return Step(candidate, epochs, epochs - reached)

    def _barred(self, epochs: float, trials: float) -> set[int]:
        """Return who may not be trained on within the limits."""
        full = self.knots[-1]
        return {
            place for place in range(len(self.configs))
            if place in self._excluded
            or (reached := self.reached(place)) >= full
            or (not reached and trials < 1)
            or self._next(place).cost > epochs
        }  # fmt: skip

    def _believed(self, constraint: Constraint) -> NDArray[np.float64]:
        """Return how probable it is that a metric which is forecast lies within its bound."""
        from scipy.stats import norm

        forecast = self._beliefs[constraint.metric].forecast()
        mean, low, high = (each[:, -1] for each in (forecast.mean, forecast.low, forecast.high))
        deviation = np.where(mean > constraint.bound, mean - low, high - mean) / _DEVIATIONS
        margin = (mean - constraint.bound) * (1 if constraint.relation == ">=" else -1)
        chance: NDArray[np.float64] = norm.cdf(margin / np.maximum(deviation, 1e-9))
        return chance

    def _observed(self, constraint: Constraint) -> NDArray[np.float64]:
        """Return the same where earlier tasks say nothing of the metric: by those that were fully trained here."""
        met = {
            place: constraint.violation(results[-1].metrics.get(constraint.metric, np.nan)) == 0
            for place, results in self._seen.items()
        }
        full = [met[place] for place in met if self.reached(place) >= self.knots[-1]]
        chance = np.full(len(self.configs), (1 + sum(full)) / (2 + len(full)))
        for place, holds in met.items():
            if holds or self.reached(place) >= self.knots[-1]:
                chance[place] = float(holds)
        return chance


def _metrics(known: Known) -> Mapping[str, bool]:
    """Return the metrics that are forecast, and whether more of each is better: the objective comes first."""
    have = {name for curve in known.experience.curves for point in curve.points.values() for name in point}
    bounded = {c.metric: c.relation == ">=" for c in _expensive(known) if c.metric in have}
    return {known.spec.objective: known.spec.maximize} | {
        metric: more for metric, more in bounded.items() if metric != known.spec.objective
    }


def _expensive(known: Known) -> list[Constraint]:
    """Return the constraints on what only training can tell."""
    return [constraint for constraint in known.spec.constraints if constraint not in known.cheap.constraints]

"""What did an optimiser spend, and what did it have by then?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.problems import Problem
from nas.core.errors import EndOfJob

TRIES = 50  # proposals a full training that cost nothing, after which a contestant is taken to have no more to say


class Spent(EndOfJob):
    """The budget is used up. Not an Exception, which a contestant would take for the failure of a trial."""


@dataclass(frozen=True)
class Outcome:
    """What training came to. `loss` is to be minimised, whatever the objective.

    `misses` tells of each constraint by how much its bound is missed, negative where it is met. Where a cheap one
    forbade to train, `metrics` are empty and those of the expensive ones 0, for nothing is known of them.
    """

    loss: float
    misses: tuple[float, ...]
    metrics: Mapping[str, float]

    @property
    def violations(self) -> tuple[float, ...]:
        return tuple(max(0.0, miss) for miss in self.misses)

    @property
    def feasible(self) -> bool:
        return not any(self.violations)


class Meter:
    """Trains for the contestants, at the price of epochs: a configuration that was trained before goes on from there.

    What breaks a cheap constraint is told so and costs nothing, for any user would check that before training.
    """

    def __init__(self, problem: Problem, budget: float) -> None:
        """Take the budget in full trainings."""
        self.problem, self.budget = problem, budget
        self.trace = list[tuple[float, float]]()  # full trainings spent, best feasible loss of a full training
        self._epochs, self._free = 0, 0
        self._reached = dict[tuple[tuple[str, Any], ...], int]()

    @property
    def spent(self) -> float:
        """Full trainings so far, in epochs trained."""
        return self._epochs / self.problem.lookup.max_epochs

    def __call__(self, config: Mapping[str, Any], epochs: int | None = None) -> Outcome:
        """Return the outcome of training `config` for `epochs` in all, a full training by default.

        Raises Spent when the budget is used up.
        """
        problem, config = self.problem, dict(config)
        full = problem.lookup.max_epochs
        epochs = min(epochs or full, full)
        cheap = self._cheap(config)
        misses = tuple(c.miss(cheap[c.metric]) if c.metric in cheap else 0.0 for c in problem.constraints)
        if self.spent >= self.budget or self._free > TRIES * self.budget:
            raise Spent
        if any(miss > 0 for miss in misses):
            self._free += 1
            return Outcome(float("nan"), misses, {})
        self.charge(config, epochs)
        metrics = {**cheap, **problem.lookup.metrics(config, epochs)}
        loss = problem.sign * metrics[problem.lookup.objective]
        outcome = Outcome(loss, tuple(c.miss(metrics[c.metric]) for c in problem.constraints), metrics)
        self.note(outcome, epochs)
        return outcome

    def is_new(self, config: Mapping[str, Any]) -> bool:
        """Return whether `config` meets the cheap constraints and was not trained to the end; asking costs nothing."""
        cheap = self._cheap(config)
        legal = all(c.metric in cheap and not c.violation(cheap[c.metric]) for c in self.problem.cheap)
        return legal and self._reached.get(_key(config), 0) < self.problem.lookup.max_epochs

    def _cheap(self, config: Mapping[str, Any]) -> dict[str, float]:
        """Return the bounded cheap metrics, in their order until one breaks its bound: no more is asked then."""
        values = dict[str, float]()
        for constraint in self.problem.cheap:
            values[constraint.metric] = self.problem.lookup.cheap[constraint.metric](dict(config))
            if constraint.violation(values[constraint.metric]):
                break
        return values

    def penalised(self, config: Mapping[str, Any], epochs: int | None = None) -> float:
        """Return the outcome as one number, for those who know no constraints."""
        return self.penalty(self(config, epochs))

    def penalty(self, outcome: Outcome) -> float:
        """Return its loss, or where it breaks constraints a number that is worse than those of all that do not."""
        return outcome.loss if outcome.feasible else self.problem.worst + sum(outcome.violations)

    def charge(self, config: Mapping[str, Any], epochs: int) -> None:
        """Count what it takes to bring `config` to `epochs`."""
        key = _key(config)
        self._epochs += max(0, epochs - self._reached.get(key, 0))
        self._free += epochs <= self._reached.get(key, 0)
        self._reached[key] = max(epochs, self._reached.get(key, 0))

    def note(self, outcome: Outcome, epochs: int) -> None:
        """Keep a feasible full training that is better than all before."""
        better = not self.trace or outcome.loss < self.trace[-1][1]
        if epochs == self.problem.lookup.max_epochs and outcome.feasible and better and self.spent <= self.budget:
            self.trace.append((self.spent, outcome.loss))


def _key(config: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(config.items()))

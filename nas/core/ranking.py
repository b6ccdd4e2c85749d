"""Which result is better? Feasibility first, then the objective: lexicographic and total, by DEAP's fitness order."""

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from deap import base, tools

from nas.core.constraints import Constraint, total_violation
from nas.core.spec import RunSpec
from nas.core.types import Result, Score, Status

Outcome = tuple[object, ...]


class Fitness(base.Fitness):  # type: ignore[misc]
    """(-violation, objective), both maximised and compared in that order (precision-first sorting)."""

    weights = (1.0, 1.0)


class _Ranked:
    """DEAP selects among things that have a fitness."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.fitness = Fitness((result.score.feasibility, result.score.objective))


def score(
    status: Status, metrics: Mapping[str, float], objective: str, maximize: bool, constraints: Sequence[Constraint]
) -> Score:
    """Return the score of a result; whatever failed or is not a number gets the worst there is."""
    value = metrics.get(objective, math.nan) * (1 if maximize else -1)
    if status is not Status.OK or math.isnan(value):
        return Score()
    return Score(0.0 - total_violation(constraints, metrics), value)


def scored(result: Result, spec: RunSpec) -> Result:
    """Return `result` with its score under what was asked; one whose objective is not a number has diverged."""
    value = score(result.status, result.metrics, spec.objective, spec.maximize, spec.constraints)
    if result.status is Status.OK and value.objective == -math.inf:
        return replace(result, status=Status.DIVERGED, error=f"{spec.objective} is not a number", score=value)
    return replace(result, score=value)


def best(results: Sequence[Result], count: int) -> list[Result]:
    """Return the `count` best results, best first; of equals, those that stand first in `results`."""
    return [ranked.result for ranked in tools.selBest([_Ranked(result) for result in results], count)]


def survivors(results: Sequence[Result], count: int, before: Container[Outcome] = ()) -> list[Result]:
    """Return the `count` best results, best first; twins only where there are too few others.

    Twins agree with a better result here, or with an outcome of `before`, in every metric: hyperparameters without
    effect made the same network of two configurations, or a table the same row. Only the first of them is worth more
    training and a place among the parents (clearing, Petrowski 1996).
    """
    first, twins, known = list[Result](), list[Result](), set[Outcome]()
    for result in best(results, len(results)):
        found = outcome(result)
        (twins if found in known or found in before else first).append(result)
        known.add(found)
    return [*first, *twins][:count]


def outcome(result: Result) -> Outcome:
    """Return what results of the same epochs and metrics share, of which one that is not a number equals another."""
    metrics = sorted(result.metrics.items())
    return (result.epochs, *((name, None if math.isnan(value) else value) for name, value in metrics))


def twins(results: Sequence[Result]) -> float:
    """Return the share of those that succeeded which agree with another in every metric."""
    succeeded = [result for result in results if result.status is Status.OK]
    return 1 - len({outcome(result) for result in succeeded}) / max(1, len(succeeded))


def incumbent(results: Sequence[Result]) -> Result | None:
    """Return the best result at the highest budget any succeeded at, or None.

    Feasible when a feasible one exists there; otherwise the one with the smallest violation.
    """
    succeeded = [result for result in results if result.status is Status.OK]
    top = max((result.epochs for result in succeeded), default=0)
    return next(iter(best([result for result in succeeded if result.epochs == top], 1)), None)

"""Is the best really that good? The few best are trained again, and what they then reach decides.

Whoever takes the best of many noisy evaluations takes lucky ones (the winner's curse; Smith & Winkler 2006).
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import fmean, variance

from scipy.stats import t

from nas.core import ranking
from nas.core.constraints import Constraint
from nas.core.evidence import Evidence
from nas.core.spec import REPETITIONS, RunSpec
from nas.core.types import Result, Status, Trial


def candidates(evidence: Evidence, spec: RunSpec) -> list[Result]:
    """Return the best feasible results of full budget in the search, as many as shall be confirmed, the best first."""
    full = [result for result in evidence.searched if result.epochs == spec.max_epochs and result.feasible]
    return ranking.best(full, spec.confirm)


def turns(evidence: Evidence, spec: RunSpec, before: Collection[str] = ()) -> list[tuple[Trial, int]]:
    """Return which trials are to be trained again, and for which time: each once before any twice.

    Repetitions of the ids `before`, made under earlier limits, cost nothing any more.
    """
    best, left = [result.job.trial for result in candidates(evidence, spec)], spec.repetitions_after(len(before))
    due = list[tuple[Trial, int]]()
    for trial, number in ((trial, number) for number in range(1, REPETITIONS + 1) for trial in best):
        left -= repetition_of(trial, number) not in before
        if left < 0:
            break
        due.append((trial, number))
    return due


def settled(
    history: Sequence[Result], results: Sequence[Result], spec: RunSpec, before: Collection[str] = ()
) -> list[Result]:
    """Return `history`, which is settled, with `results`, without repetitions of what an earlier end took for best."""
    if not spec.confirm:
        return [*history, *results]
    new = Evidence.of(results)
    due = {repetition_of(trial, number) for trial, number in turns(Evidence.of([*history, *results]), spec, before)}
    return [*history, *new.searched, *(result for result in new.repetitions if result.job.trial.id in due)]


def repetition_of(trial: Trial, number: int) -> str:
    """Return the id of the trial that repeats `trial`."""
    return f"{trial.id}.r{number}"


@dataclass(frozen=True)
class Estimate:
    """What `count` fresh trainings gave: the mean of each metric, and its spread from one training to the next.

    `spread` is the standard deviation with so many degrees of `freedom`, over all trials that were confirmed.
    """

    count: int
    mean: dict[str, float]
    spread: dict[str, float]
    freedom: int

    def probability(self, constraint: Constraint) -> float:
        """Return how likely another training, of the same data and other seeds, meets `constraint`, by Student's t."""
        mean, spread = self.mean[constraint.metric], self.spread[constraint.metric]
        margin = mean - constraint.bound if constraint.relation == ">=" else constraint.bound - mean
        if not spread:
            return float(margin >= 0)
        return float(t.cdf(margin / (spread * math.sqrt(1 + 1 / self.count)), df=self.freedom))


@dataclass(frozen=True)
class Confirmed:
    """A trial of the search with the trainings that repeat it."""

    result: Result
    repetitions: tuple[Result, ...]

    @property
    def failures(self) -> int:
        """How many repetitions failed."""
        return sum(result.status is not Status.OK for result in self.repetitions)

    @property
    def pooled(self) -> dict[str, float]:
        """The mean of each metric over the evaluation in the search and all that succeeded again."""
        return _mean([self.result, *self.succeeded])

    @property
    def succeeded(self) -> list[Result]:
        return [result for result in self.repetitions if result.status is Status.OK]


def confirmed(evidence: Evidence, spec: RunSpec) -> list[Confirmed]:
    """Return those that were trained again, the best first: fewest failures, then by the pooled estimate.

    Where the time was too short for all, only those before the first candidate that was not: fast networks are done
    sooner, and shall not be chosen for that.
    """
    repeated = dict[str, list[Result]]()
    for result in evidence.repetitions:
        repeated.setdefault(result.job.trial.repeats, []).append(result)
    done = takewhile(lambda result: result.job.trial.id in repeated, candidates(evidence, spec))

    def rank(each: Confirmed) -> tuple[float, ...]:
        score = ranking.score(Status.OK, each.pooled, spec.objective, spec.maximize, spec.constraints)
        return not each.succeeded, each.failures, -score.feasibility, -score.objective

    return sorted((Confirmed(result, tuple(repeated[result.job.trial.id])) for result in done), key=rank)


def incumbent(evidence: Evidence, spec: RunSpec) -> Result | None:
    """Return the evaluation in the search of the best trial: of those trained again, or else of all; or None.

    Those that never succeeded again come last.
    """
    again = confirmed(evidence, spec)
    if again and again[0].succeeded:
        return again[0].result
    failed = {each.result.job.trial.id for each in again}
    others = [result for result in evidence.searched if result.job.trial.id not in failed]
    return ranking.incumbent([r for r in others if r.epochs == spec.max_epochs]) or ranking.incumbent(evidence.searched)


def overtaken(evidence: Evidence, spec: RunSpec) -> Confirmed | None:
    """Return the best of the search, where being trained again made another the incumbent; else None."""
    first, best = next(iter(candidates(evidence, spec)), None), incumbent(evidence, spec)
    if first is None or best is None or first.job.trial.id == best.job.trial.id:
        return None
    return next(each for each in confirmed(evidence, spec) if each.result.job.trial.id == first.job.trial.id)


def of_incumbent(evidence: Evidence, spec: RunSpec) -> Estimate | None:
    """Return what the incumbent reached when it was trained again; None where it was not, or never succeeded."""
    found = confirmed(evidence, spec)
    return estimate(found[0], found) if found and found[0].result == incumbent(evidence, spec) else None


def estimate(best: Confirmed, others: Sequence[Confirmed]) -> Estimate | None:
    """Return what the fresh trainings of `best` say, with the spread over `others` too; None where none succeeded."""
    if not best.succeeded:
        return None
    samples = [[each.result, *each.succeeded] for each in (best, *(o for o in others if o != best)) if each.succeeded]
    freedom, mean = sum(len(sample) - 1 for sample in samples), _mean(best.succeeded)

    def spread(name: str) -> float:
        return math.sqrt(sum((len(s) - 1) * variance(r.metrics[name] for r in s) for s in samples) / freedom)

    return Estimate(
        len(best.succeeded), mean, {name: spread(name) for name in best.result.metrics if name in mean}, freedom
    )


def _mean(results: Sequence[Result]) -> dict[str, float]:
    shared = [name for name in results[0].metrics if all(name in result.metrics for result in results)]
    return {name: fmean(result.metrics[name] for result in results) for name in shared}

"""Which results came under which limits? A run that is given more keeps the history it had and goes on from there."""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise

from nas.core.confirmation import settled
from nas.core.errors import UserError
from nas.core.evidence import Evidence
from nas.core.spec import Limits, RunSpec
from nas.core.types import Key, Result, in_logical_order


def history_of(committed: Sequence[Result], spec: RunSpec) -> list[Result]:
    """Return the results of a run, given in the order of their commitment, in logical order.

    What came under earlier limits stands first, as it did then; repetitions of what was not among the best when those
    limits were reached are left out.
    """
    history, repeated = list[Result](), set[str]()
    for phase, part in _parts(committed, spec):
        history = settled(history, in_logical_order(part), phase, repeated)
        repeated |= _repetitions(part)
    return history


class Phases:
    """How much the search may do. Earlier limits hold until the results that came under them are all known again."""

    def __init__(self, spec: RunSpec, committed: Sequence[Result]) -> None:
        parts = _parts(committed, spec)
        self._earlier = [(phase, {r.job.key for r in Evidence.of(part).searched}) for phase, part in parts[:-1]]
        self._repetitions = [_repetitions(part) for _, part in parts[:-1]]
        self._spec, self._passed = spec, 0

    @property
    def repeated(self) -> frozenset[str]:
        """The ids of the repetitions that came under earlier limits."""
        return frozenset().union(*self._repetitions)

    def allowed(self, seen: Collection[Key]) -> tuple[float, float]:
        """Return how many trials and epochs the search may have had in all when it goes on from the results `seen`."""
        while self._passed < len(self._earlier) and self._earlier[self._passed][1].issubset(seen):
            self._passed += 1
        return self._limits(self._passed)

    @property
    def most(self) -> tuple[float, float]:
        """How many trials and epochs the search may have in all under the limits of now, if it needs them to end."""
        return self._limits(len(self._earlier)) if self._spec.strategy.endless else (math.inf, math.inf)

    def _limits(self, passed: int) -> tuple[float, float]:
        """Return trials and epochs that are left to the search after so many phases."""
        spec = self._earlier[passed][0] if passed < len(self._earlier) else self._spec
        done = sum(map(len, self._repetitions[:passed]))
        kept = done + spec.repetitions_after(done)
        trials = spec.max_trials - kept if spec.max_trials else math.inf
        return trials, spec.max_total_epochs - kept * spec.max_epochs if spec.max_total_epochs else math.inf


def going_on(before: RunSpec, now: RunSpec, committed: Sequence[Result], more_time: bool) -> RunSpec:
    """Return `now`, what is asked for, with the limits under which the results `committed` came.

    A new phase begins where the limits are not those of `before`, or where a run that only time had ended has
    `more_time`. Raises UserError for limits below what the run has had.
    """
    results = len(committed)
    earlier = [replace(limits, results=min(limits.results, results)) for limits in before.earlier]
    if more_time or limits_changed(before, now):
        _check_enough(before, now, committed)
        if results > (earlier[-1].results if earlier else 0):
            earlier.append(Limits(results, before.max_trials, before.max_total_epochs))
    initial = now.initial if before.initial else ()  # none where a version that knew of none has begun the run
    return replace(now, earlier=tuple(earlier), initial=initial)


def limits_changed(before: RunSpec, now: RunSpec) -> bool:
    """Return whether another number of trials or epochs is asked for."""
    return (before.max_trials, before.max_total_epochs) != (now.max_trials, now.max_total_epochs)


def _check_enough(before: RunSpec, now: RunSpec, committed: Sequence[Result]) -> None:
    trials = len({result.job.trial.id for result in committed})
    epochs = sum(result.job.stop - result.job.start for result in committed)
    for what, limit, had in (("trials", now.max_trials, trials), ("total epochs", now.max_total_epochs, epochs)):
        if limit is not None and limit < had:
            raise UserError(f"max {what} is {limit}, but the run has had {had}: give at least as many, or a new run")
    if limits_changed(before, now) and now.max_trials == before.max_trials == trials:
        raise UserError(f"the run has had all of its {trials} trials: give a larger limit on trials, too")


def _parts(committed: Sequence[Result], spec: RunSpec) -> list[tuple[RunSpec, Sequence[Result]]]:
    """Return what was asked for in each phase, and the results of it in the order of their commitment."""
    ends = [0, *(min(limits.results, len(committed)) for limits in spec.earlier), len(committed)]
    return [(phase, committed[a:b]) for phase, (a, b) in zip(spec.phases, pairwise(ends), strict=True)]


def _repetitions(results: Sequence[Result]) -> set[str]:
    return {result.job.trial.id for result in Evidence.of(results).repetitions}

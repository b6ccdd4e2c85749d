"""What is known of the run? Results read back from the journal and committed to it, each scored by what is asked."""

import gc
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from nas.core.contract import NO_METRICS, unmet
from nas.core.errors import Corrupt, UserError
from nas.core.plain import canonical
from nas.core.ranking import scored
from nas.core.spec import RunSpec
from nas.core.types import Key, Result, Status, Trial
from nas.core.words import nearest
from nas.runs.failures import Failures
from nas.runs.journal import Journal

DOUBTS = 4  # first results that lack a metric, after which there is taken to be none of that name


class Ledger:
    """The results of a run by (trial id, epochs). What the journal holds is known from the start."""

    def __init__(self, spec: RunSpec, journal: Journal, elapsed: float = 0.0) -> None:
        """Read the journal of a run that had taken `elapsed` seconds when it ended, or was killed and nobody knows.

        Raises Corrupt for a record that is no result of this run.
        """
        self.spec, self.journal = spec, journal
        self.before_first: Callable[[], None] = lambda: None  # called before the first result of this process is kept
        self._doubtful = list[Result]()  # all results so far, where all of them lack a metric: not written yet
        self._doubt_told = ""
        self._results = dict[Key, Result]()
        self._trials = dict[str, Trial]()
        with _no_collection():
            elapsed = max([elapsed, *(self._replayed(record) for record in journal)])
        self._failures = Failures(self.directory)
        self._succeeded = any(result.status is Status.OK for result in self._results.values())
        self._began = time.monotonic() - elapsed

    def _replayed(self, record: dict[str, Any]) -> float:
        """Take over a record of the journal; return how long the search had taken by then."""
        try:
            result = Result.from_json(record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Corrupt(
                f"{self.journal.path}, line {self.journal.lines} is no result of a trial: {error!r}"
            ) from None
        self._keep(scored(result, self.spec))
        return result.elapsed

    def __getitem__(self, key: Key) -> Result | None:
        return self._results.get(key)

    @property
    def directory(self) -> Path | None:
        """The folder of the run, if it has one."""
        return self.journal.path.parent if self.journal.path else None

    def trial(self, trial_id: str) -> Trial | None:
        """Return the trial of that id, if it got so far."""
        return self._trials.get(trial_id)

    @property
    def elapsed(self) -> float:
        """Seconds of searching in all, up to now; from the last result to a resumption no time passes."""
        return time.monotonic() - self._began

    @property
    def committed(self) -> list[Result]:
        """Every result of the run, in the order of commitment: those that a replay has not come to yet, too."""
        return list(self._results.values())

    def commit(self, result: Result) -> Result:
        """Return `result` with its score, once it is on disk.

        One that lacks a metric asked for has crashed. Raises UserError where the metric seems to have another name, and
        where all fail alike.
        """
        known = self[result.job.key]
        if known:
            _compare(known, result)
            return known
        _check_names(result)
        result, doubtful = self._judged(replace(result, elapsed=round(self.elapsed, 3)))
        self._keep(replace(result, trace=""))
        self._doubtful.append(result)
        if not doubtful:  # that those before it lack a metric is their own fault
            due, self._doubtful = self._doubtful, []
            for each in due:
                self._write(each)
        return self._results[result.job.key]

    def _doubt(self, name: str, metrics: Mapping[str, float]) -> None:
        """Say what is wrong if no result has the metric that the first ones lack.

        Raises UserError where a metric of a like name is there, or where the first DOUBTS results lack it.
        """
        known = ", ".join(sorted(metrics))
        self._doubt_told = (
            f"unknown metric {name!r}: training and measuring give {known}; train is to return each for every "
            "configuration, nan where there is none"
        )
        if len(self._doubtful) + 1 == DOUBTS or nearest(name, list(metrics)):
            raise UserError(self._doubt_told)

    def close(self) -> None:
        """Raise UserError where all results lack a metric: nothing says that there is one of that name."""
        if self._doubtful:
            raise UserError(self._doubt_told)

    def _write(self, result: Result) -> None:
        """Write `result` to disk. Raises UserError where all have failed alike."""
        self.before_first()
        self.before_first = lambda: None
        self.journal.append(result.to_json())
        self._succeeded |= result.status is Status.OK
        self._failures.look(result, self._succeeded)

    def _keep(self, result: Result) -> None:
        self._results[result.job.key] = result
        self._trials.setdefault(result.job.trial.id, result.job.trial)

    def _judged(self, result: Result) -> tuple[Result, bool]:
        """Return `result` with its cheap metrics and its score, and whether it, like all before, lacks a metric."""
        doubtful = False
        spec, cheap = self.spec, dict(result.job.trial.cheap)
        metrics = {**result.metrics, **cheap}
        asked = {spec.objective: "the objective"} | {c.metric: f"asked for by {c}" for c in spec.constraints}
        for name in asked if result.status is Status.OK else ():
            if name in metrics:
                continue
            doubtful = bool(metrics) and name not in result.details and len(self._results) == len(self._doubtful)
            if doubtful:
                self._doubt(name, metrics)
            error = unmet(name, asked[name], metrics, result.details)
            result, metrics = replace(result, status=Status.CRASHED, error=error, details={}, curve={}), cheap
            break
        if result.error.endswith(NO_METRICS):
            result = replace(result, error=f'{result.error}: return {{"{spec.objective}": value}}')
        return scored(replace(result, metrics=metrics), spec), doubtful


def _check_names(result: Result) -> None:
    """Raise UserError where training gives another value than measuring before it, under one name."""
    for name, value in result.job.trial.cheap:
        trained = result.metrics.get(name, value)
        if trained != value and not (math.isnan(trained) and math.isnan(value)):
            raise UserError(f"measure and train both return {name!r} ({value:g} and {trained:g}): rename one of them")


@contextmanager
def _no_collection() -> Iterator[None]:
    """Spare the garbage collector a hundred thousand results, none of which is garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _compare(first: Result, again: Result) -> None:
    """Warn where a job that was run twice had two outcomes; the first one counts."""
    metrics = {name: first.metrics.get(name) for name in again.metrics}
    if (first.status, canonical(metrics)) != (again.status, canonical(again.metrics)):
        logging.getLogger(__name__).warning(
            "NONDETERMINISM: %s at %d epochs gave %s, and %s when it ran again; the first one counts",
            *first.job.key, canonical(metrics), canonical(again.metrics),
        )  # fmt: skip

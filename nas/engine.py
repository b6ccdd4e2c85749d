"""How does a strategy get its trials trained? The shell around it: slots, journal, checkpoints, limits, trackers.

A strategy is a coroutine that sees a `Lab` only. What it decides depends on results it has awaited and on seeds named
by logical place, never on a clock or an order of completion; so a run is repeated, or resumed, by running it again
over the same journal.
"""

import asyncio
import heapq
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import Any, Protocol

from ConfigSpace import ConfigurationSpace

from nas import budgets, ranking
from nas.checkpoints import Checkpoints
from nas.constraints import Constraint
from nas.errors import UserError
from nas.executors import Executor
from nas.journal import Journal
from nas.seeds import seed
from nas.spec import RunSpec
from nas.types import Config, Job, Result, Status, Trial, logical_order

Measures = Mapping[str, Callable[[dict[str, Any]], float]]


class Tracker(Protocol):
    """Is told each committed result, and must not raise."""

    def __call__(self, lab: "Lab", result: Result) -> None: ...


class Lab:
    """The only thing a strategy can touch: train a trial up to a budget and get its result."""

    def __init__(
        self,
        spec: RunSpec,
        space: ConfigurationSpace,
        measures: Measures,
        journal: Journal,
        checkpoints: Checkpoints,
        executor: Executor,
        trackers: Sequence[Tracker] = (),
    ) -> None:
        self.spec, self.space, self.executor, self.trackers = spec, space, executor, trackers
        self.cheap = Cheap(spec.constraints, measures)
        self.taken = set[str]()  # configurations drawn so far, by id
        self.redraws = Counter[str]()  # why drawn configurations were not taken
        self.results = dict[tuple[str, int], Result]()  # as delivered to the strategy, in any order
        self.total_epochs = 0  # spent on them
        self._journal, self._checkpoints, self._slots = journal, checkpoints, Slots(executor.slots)
        known = (self._scored(Result.from_json(record)) for record in journal.records)
        self._known = {result.job.key: result for result in known}
        self._recorded = {result.job.trial.id: result.job.trial for result in self._known.values()}
        self._reached = dict[str, Result]()

    def recorded(self, trial_id: str) -> Trial | None:
        """Return the trial of that id from the journal, if it got there; its configuration is then taken."""
        trial = self._recorded.get(trial_id)
        if trial:
            self.taken.add(trial.config.id)
        return trial

    def trial(self, trial_id: str, config: Config, operator: str, parents: tuple[str, ...] = ()) -> Trial:
        """Return a new trial of `config`, which is from now on taken."""
        self.taken.add(config.id)
        cheap = tuple(self.cheap.all(config).items())
        return Trial(trial_id, config, seed(self.spec.seed, trial_id), operator, parents, cheap)

    async def train(self, trial: Trial, epochs: int) -> Result:
        """Return the result of `trial` at `epochs` in all, trained from where it stands."""
        reached = self._reached.get(trial.id)
        job = Job(trial, reached.epochs if reached else 0, epochs)
        if job.key not in self._known:
            async with self._slots.turn(logical_order(*job.key)):
                self._commit(await self._run(job, reached))
        result = self._reached[trial.id] = self.results[job.key] = self._known[job.key]
        self.total_epochs += job.stop - job.start
        if epochs == self.spec.max_epochs or result.status is not Status.OK:
            self.drop(trial)
        return result

    def drop(self, trial: Trial) -> None:
        """Say that `trial` will not be trained further: its checkpoint is deleted."""
        self._checkpoints.drop(trial.id)

    def affordable(self, planned: Sequence[budgets.Bracket]) -> list[budgets.Bracket]:
        """Return `planned` cut to what the limits on trials and epochs still allow, by planned cost.

        To be asked when nothing is in training, so that the answer does not depend on the order of completion.
        """
        trials = (self.spec.max_trials or float("inf")) - len(self._reached)
        epochs = (self.spec.max_total_epochs or float("inf")) - self.total_epochs
        allowed = list[budgets.Bracket]()
        for bracket in planned:
            trimmed = budgets.trim(bracket, self.spec.eta, trials, epochs)
            if trimmed:
                allowed.append(trimmed)
                trials -= trimmed[0].trials
                epochs -= budgets.epochs(trimmed)
        return allowed

    @property
    def history(self) -> list[Result]:
        """Every result of the run, in logical order: those that a replay has not come to yet, too."""
        return sorted(self._known.values(), key=lambda result: logical_order(*result.job.key))

    async def _run(self, job: Job, reached: Result | None) -> Result:
        if reached and reached.checkpointed and not self._checkpoints.path(job.trial.id, job.start).exists():
            again = await self.executor.run(Job(job.trial, 0, job.stop), self._checkpoints.prepare(job))
            return replace(again, job=job)  # the checkpoint is lost: the same outcome, from the beginning
        return await self.executor.run(job, self._checkpoints.prepare(job))

    def _commit(self, result: Result) -> None:
        """Believe `result` once it is on disk, and tell the trackers."""
        result = replace(result, metrics={**result.metrics, **dict(result.job.trial.cheap)})
        self._check_metrics(result)
        result = self._scored(result)
        self._journal.append(result.to_json())
        self._known[result.job.key] = result
        self._checkpoints.committed(result.job)
        for tracker in self.trackers:
            try:
                tracker(self, result)
            except Exception:  # whoever watches must not disturb
                logging.getLogger(__name__).warning("a tracker failed", exc_info=True)

    def _scored(self, result: Result) -> Result:
        spec = self.spec
        score = ranking.score(result.status, result.metrics, spec.objective, spec.maximize, spec.constraints)
        if result.status is Status.OK and score.objective == -float("inf"):
            return replace(result, status=Status.DIVERGED, error=f"{spec.objective} is not a number", score=score)
        return replace(result, score=score)

    def _check_metrics(self, result: Result) -> None:
        if result.status is not Status.OK:
            return
        for name in (self.spec.objective, *(c.metric for c in self.spec.constraints)):
            if name not in result.metrics:
                known = ", ".join(sorted(result.metrics))
                raise UserError(f"unknown metric {name!r}: training and measuring give {known}")


class Cheap:
    """What is known of a configuration before training; each metric is measured once, and only when asked for."""

    def __init__(self, constraints: Sequence[Constraint], measures: Measures) -> None:
        self.measures = measures
        order = list(measures)  # the cheapest to measure first, so that the others are measured for few
        self.constraints = sorted((c for c in constraints if c.metric in order), key=lambda c: order.index(c.metric))
        self.nearest_miss = dict[str, tuple[float, float]]()  # constraint: (violation, value) nearest to its bound
        self._values = dict[str, dict[str, float]]()

    def broken(self, config: Config) -> Constraint | None:
        """Return the first cheap constraint that `config` breaks, or None."""
        for constraint in self.constraints:
            value = self._value(config, constraint.metric)
            violation = constraint.violation(value)
            if violation > 0:
                nearest = self.nearest_miss.get(str(constraint), (float("inf"), float("nan")))
                self.nearest_miss[str(constraint)] = min(nearest, (violation, value))
                return constraint
        return None

    def all(self, config: Config) -> dict[str, float]:
        """Return every cheap metric of `config`."""
        return {name: self._value(config, name) for name in self.measures}

    def _value(self, config: Config, name: str) -> float:
        values = self._values.setdefault(config.id, {})
        if name not in values:
            values[name] = float(self.measures[name](config.values))
        return values[name]


class Slots:
    """Lets so many in at a time; of those waiting, the first in logical order.

    So brackets end one after the other, and few checkpoints are alive at once.
    """

    def __init__(self, free: int) -> None:
        self._free, self._waiting, self._tie = free, list[tuple[Any, int, asyncio.Future[None]]](), count()

    @asynccontextmanager
    async def turn(self, place: tuple[int, ...]) -> AsyncIterator[None]:
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (place, next(self._tie), ready))
        asyncio.get_running_loop().call_soon(self._admit)
        await ready
        try:
            yield
        except BaseException:
            self._waiting.clear()  # the search is over: nobody else may start
            raise
        self._free += 1
        self._admit()

    def _admit(self) -> None:
        while self._free and self._waiting:
            _, _, ready = heapq.heappop(self._waiting)
            if not ready.done():
                self._free -= 1
                ready.set_result(None)


Strategy = Callable[[Lab], Awaitable[None]]

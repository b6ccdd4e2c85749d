"""How does a strategy get its trials trained? The shell around it: slots, journal, checkpoints, limits, trackers.

A strategy is a coroutine that sees a `Lab` only. What it decides depends on results it has awaited and on seeds named
by logical place, never on a clock or an order of completion; so a run is repeated, or resumed, by running it again
over the same journal.
"""

import logging
from collections.abc import Callable, Collection, Coroutine, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from ConfigSpace import ConfigurationSpace

from nas.core import brackets
from nas.core.confirmation import repetition_of
from nas.core.errors import ClusterLost, Interrupted, JobLost
from nas.core.phases import Phases, history_of
from nas.core.ranking import Outcome, outcome
from nas.core.seeds import seed
from nas.core.spec import RunSpec
from nas.core.types import REPEAT, Config, Job, Key, Result, Status, Trial, logical_order
from nas.engine.cheap import Cheap, Measures
from nas.engine.executors import Executor
from nas.engine.slots import Place, Slots
from nas.runs.checkpoints import Checkpoints
from nas.runs.command import Command
from nas.runs.ledger import Ledger
from nas.runs.redraws import Redraws

CALLBACK = "callback"  # what ended a search that a callback asked to stop
_SUBMISSIONS = 3  # of a job that the executor loses


class Tracker(Protocol):
    """Is told each committed result, and must not raise."""

    def __call__(self, lab: "Lab", result: Result) -> None: ...


Callback = Callable[[Result], object]  # is told each committed result; True asks to stop, an error is the caller's


@dataclass(frozen=True)
class Surroundings:
    """What does not decide the history: a limit in seconds, the run's folder, the command, who watches."""

    limit: float | None = None
    directory: Path | None = None
    command: Command | None = None
    trackers: Sequence[Tracker] = ()
    callbacks: Sequence[Callback] = ()


class Lab:
    """The only thing a strategy can touch: train a trial up to a budget and get its result."""

    def __init__(
        self,
        spec: RunSpec,
        space: ConfigurationSpace,
        measures: Measures,
        ledger: Ledger,
        checkpoints: Checkpoints,
        executor: Executor,
        around: Surroundings,
    ) -> None:
        self.spec, self.space, self.executor, self.around = spec, space, executor, around
        self.cheap = Cheap(spec.constraints, measures)
        self.taken = set[Config]()  # drawn so far
        self.redraws = Redraws(around.directory)
        self.results = dict[Key, Result]()  # as delivered to the strategy, in any order
        self.outcomes = set[Outcome]()  # theirs, as ranking tells them apart
        self.total_epochs = 0  # spent on them
        self.dropped = set[str]()  # ids of trials that will not go on
        self.stopping = ""  # what asked to stop, a signal or a callback: the search ends at the next commit
        self._ledger, self._checkpoints, self._slots = ledger, checkpoints, Slots(lambda: executor.slots)
        self._reached = dict[str, Result]()
        self._phases = Phases(spec, ledger.committed)
        self.repeated = self._phases.repeated  # ids of repetitions made under earlier limits

    def recorded(self, trial_id: str) -> Trial | None:
        """Return the trial of that id from the journal, if it got there; its configuration is then taken."""
        trial = self._ledger.trial(trial_id)
        if trial:
            self.taken.add(trial.config)
        return trial

    def trial(self, trial_id: str, config: Config, operator: str, parents: tuple[str, ...] = ()) -> Trial:
        """Return a new trial of `config`, which is from now on taken."""
        self.taken.add(config)
        cheap = tuple(self.cheap.all(config).items())
        return Trial(trial_id, config, seed(self.spec.seed, trial_id), operator, parents, cheap)

    async def train(self, trial: Trial, epochs: int, turn: Place | None = None) -> Result:
        """Return the result of `trial` at `epochs` in all, trained from where it stands.

        Of jobs that wait for a worker the one with the smallest `turn` is first: its logical place, unless given.
        """
        reached = self._reached.get(trial.id)
        job = Job(trial, reached.epochs if reached else 0, epochs)
        result = self._ledger[job.key]
        if not result:
            async with self._slots.turn(turn or logical_order(*job.key)):
                result = self._commit(await self._run(job, reached.checkpoint if reached else ""))
        self._reached[trial.id] = self.results[job.key] = result
        self.outcomes.add(outcome(result))
        self.total_epochs += job.stop - job.start
        if epochs == self.spec.max_epochs or result.status is not Status.OK:
            self.drop(trial)
        return result

    async def repeat(self, trial: Trial, number: int, turn: int) -> Result:
        """Return the result of training `trial` anew to the full budget, with a seed of its own for each `number`."""
        trial_id = repetition_of(trial, number)
        again = replace(trial, id=trial_id, seed=seed(self.spec.seed, trial_id), operator=REPEAT, parents=(trial.id,))
        return await self.train(again, self.spec.max_epochs, (turn,))

    def drop(self, trial: Trial) -> None:
        """Say that `trial` will not be trained further: its checkpoint is deleted."""
        self.dropped.add(trial.id)
        self._checkpoints.drop(trial.id)

    def affordable(self, planned: Sequence[brackets.Bracket]) -> list[brackets.Bracket]:
        """Return `planned` cut to what the limits on trials and epochs still allow, by planned cost.

        To be asked when nothing is in training, so that the answer does not depend on the order of completion.
        """
        trials, epochs = self.allowed(self.results)
        trials, epochs = trials - len(self._reached), epochs - self.total_epochs
        allowed = list[brackets.Bracket]()
        for bracket in planned:
            trimmed = brackets.trim(bracket, self.spec.eta, trials, epochs)
            if trimmed:
                allowed.append(trimmed)
                trials -= trimmed[0].trials
                epochs -= brackets.epochs(trimmed)
        return allowed

    def allowed(self, seen: Collection[Key]) -> tuple[float, float]:
        """Return how many trials and epochs the search may have had in all when it goes on from the results `seen`.

        A run that was given more has the limits it had before, until it has seen what came under them.
        """
        return self._phases.allowed(seen)

    @property
    def repetitions(self) -> int:
        """How many trainings may confirm the best."""
        return self.spec.repetitions_after(len(self.repeated))

    @property
    def history(self) -> list[Result]:
        """Every result of the run, in logical order, but for repetitions of what was the best at an earlier end."""
        return history_of(self._ledger.committed, self.spec)

    @property
    def elapsed(self) -> float:
        """Seconds that the run has taken, in all its parts."""
        return self._ledger.elapsed

    async def _run(self, job: Job, expected: str) -> Result:
        """Return what the executor makes of the job; a job that it loses is submitted again."""
        for submission in range(1, _SUBMISSIONS + 1):
            try:
                return await self.executor.run(job, self._checkpoints.states(job, expected))
            except JobLost as lost:
                reason = f"{job.trial.id} at {job.stop} epochs was lost {submission} times by its executor: {lost}"
                logging.getLogger(__name__).warning(reason)
        raise ClusterLost(f"{reason}; see what the workers say, then nas resume goes on from here")

    def _commit(self, outcome: Result) -> Result:
        """Believe `outcome` once it is on disk, and tell who watches. Raises Interrupted where that was asked for."""
        result = self._ledger.commit(outcome)
        self._checkpoints.committed(result.job, result.checkpoint_bytes)
        for tracker in self.around.trackers:
            try:
                tracker(self, result)
            except Exception:  # whoever watches must not disturb
                logging.getLogger(__name__).warning("a tracker failed", exc_info=True)
        answers = [_asks_to_stop(callback, result) for callback in self.around.callbacks]  # all of them are told
        if any(answers):
            self.stopping = self.stopping or CALLBACK
        if self.stopping:
            raise Interrupted
        return result


def _asks_to_stop(callback: Callback, result: Result) -> bool:
    """Return whether `callback` returns True for `result`, of which it is given a copy: it may change that."""
    answer = callback(replace(result, metrics=dict(result.metrics), details=deepcopy(result.details)))
    return isinstance(answer, (bool, np.bool_)) and bool(answer)


Strategy = Callable[[Lab], Coroutine[Any, Any, None]]

"""How does a strategy get its trials trained? The shell around it: slots, journal, checkpoints, limits.

A strategy is a coroutine that sees a `Lab` only. What it decides depends on results it has awaited and on seeds named
by logical place, never on a clock or an order of completion; so a run is repeated, or resumed, by running it again
over the same journal.
"""

import logging
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas.core import brackets
from nas.core.configuration import checked_config
from nas.core.confirmation import repetition_of
from nas.core.errors import ClusterLost, Interrupted, JobLost, UserError
from nas.core.evidence import Evidence
from nas.core.numbers import whole
from nas.core.phases import Phases, history_of
from nas.core.ranking import Outcome
from nas.core.seeds import seed
from nas.core.spec import RunSpec
from nas.core.types import REPEAT, Config, Job, Key, Order, Result, Status, Trial, order_of
from nas.engine.allowance import Allowance
from nas.engine.cheap import Cheap
from nas.engine.delivered import Delivered
from nas.engine.ends import CALLBACK, Stop
from nas.engine.executors import Executor
from nas.engine.slots import Place, Slots
from nas.engine.watchers import Watchers
from nas.history.experience import Experience
from nas.runs.checkpoints import Checkpoints
from nas.runs.ledger import Ledger
from nas.runs.redraws import Redraws

_SUBMISSIONS = 3  # of a job that the executor loses
_LONGEST = 200  # characters of an id
_REPETITION = re.compile(r".*\.r\d+", re.DOTALL)


class EngineLab:
    """The Lab of `nas.strategies.lab` as strategies see it, and what the engine itself asks of it besides."""

    def __init__(
        self,
        spec: RunSpec,
        space: ConfigurationSpace,
        cheap: Cheap,
        ledger: Ledger,
        checkpoints: Checkpoints,
        executor: Executor,
        watchers: Watchers,
        experience: Experience,
    ) -> None:
        self.spec, self.space, self.cheap, self.executor = spec, space, cheap, executor
        self.experience = experience
        self.directory, self.redraws, self.stop = ledger.directory, Redraws(ledger.directory), Stop()
        self._ledger, self._checkpoints, self._watchers = ledger, checkpoints, watchers
        self._slots, self._phases = Slots(lambda: executor.slots), Phases(spec, ledger.committed)
        self._allowance = Allowance(*self._phases.most)
        self._trials, self._configs, self._dropped = dict[str, Trial](), set[Config](), set[str]()
        self._reached, self._delivered = dict[str, Result](), Delivered()

    # What a strategy sees and does

    @property
    def results(self) -> tuple[Result, ...]:
        return tuple(self._delivered.results)

    @property
    def outcomes(self) -> frozenset[Outcome]:
        return frozenset(self._delivered.outcomes)

    def recorded(self, trial_id: str) -> Trial | None:
        trial = self._ledger.trial(trial_id)
        return self._known(trial) if trial else None

    def taken(self, config: Config) -> bool:
        return config in self._configs

    def trial(
        self,
        trial_id: str,
        config: Config | Mapping[str, Any],
        operator: str = "sample",
        parents: Sequence[str] = (),
        order: Order | None = None,
    ) -> Trial:
        _check(trial_id, operator)
        if not isinstance(config, Config):
            config = checked_config(self.space, config, f"trial {trial_id!r}")
        before = self._trials.get(trial_id) or self._ledger.trial(trial_id)
        if before and before.config.id != config.id:
            raise UserError(
                f"trial {trial_id!r} is {config.values}, but was {before.config.values} before: give each its own id, "
                "and draw by seeds that say where, so that a run that goes on draws the same again"
            )
        if before:
            return self._known(before)
        broken = self.cheap.broken(config)
        if broken:
            raise UserError(f"trial {trial_id!r} breaks {broken}: draw another where lab.cheap.broken(config) says so")
        own, cheap = seed(self.spec.seed, trial_id), tuple(self.cheap.all(config).items())
        place = order_of(trial_id) or (len(self._trials), 0) if order is None else order
        return self._known(Trial(trial_id, config, own, operator, tuple(parents), cheap, place))

    async def train(self, trial: Trial, epochs: int, turn: Place | None = None) -> Result:
        epochs, reached = whole("epochs", epochs, 1), self._reached.get(_id_of(trial))
        if reached and (reached.epochs == epochs or reached.status is not Status.OK):
            return reached
        job = Job(trial, reached.epochs if reached else 0, epochs)
        self._check(job)
        async with self._allowance.work(job, paid=self._ledger[job.key] is not None):
            result = await self._trained(job, turn or job.place)
            self._delivered.add(result)
        return result

    def drop(self, trial: Trial) -> None:
        self._dropped.add(trial.id)
        self._checkpoints.drop(trial.id)

    def room(self) -> tuple[float, float]:
        (trials, epochs), had = self.allowed(self._delivered.keys), self._delivered
        return trials - len(had.trials), epochs - had.epochs

    def affordable(self, planned: Sequence[brackets.Bracket]) -> list[brackets.Bracket]:
        trials, epochs = self.room()
        allowed = list[brackets.Bracket]()
        for bracket in planned:
            trimmed = brackets.trim(bracket, self.spec.eta, trials, epochs)
            if trimmed:
                allowed.append(trimmed)
                trials -= trimmed[0].trials
                epochs -= brackets.epochs(trimmed)
        return allowed

    def allowed(self, seen: Collection[Key]) -> tuple[float, float]:
        return self._phases.allowed(seen)

    def redrawn(self, place: str, reasons: Counter[str]) -> None:
        self.redraws.note(place, reasons)

    # What the engine asks besides

    async def repeat(self, trial: Trial, number: int, turn: int) -> Result:
        """Return the result of training `trial` anew to the full budget, with a seed of its own for each `number`."""
        trial_id = repetition_of(trial, number)
        again = replace(
            trial, id=trial_id, seed=seed(self.spec.seed, trial_id), operator=REPEAT, parents=(trial.id,),
            order=(number, *trial.order),
        )  # fmt: skip
        return await self._trained(Job(again, 0, self.spec.max_epochs), (turn,))

    async def idle(self) -> None:
        """Wait until all that the strategy asked for is done."""
        await self._allowance.idle()

    @property
    def history(self) -> list[Result]:
        """Every result of the run, in logical order, but for repetitions of what was the best at an earlier end."""
        return history_of(self._ledger.committed, self.spec)

    @property
    def evidence(self) -> Evidence:
        """The history, results of the search and repetitions told apart."""
        return Evidence.of(self.history)

    @property
    def repeated(self) -> frozenset[str]:
        """Ids of repetitions that were made under earlier limits."""
        return self._phases.repeated

    @property
    def repetitions(self) -> int:
        """How many trainings may confirm the best."""
        return self.spec.repetitions_after(len(self.repeated))

    @property
    def dropped(self) -> frozenset[str]:
        """Ids of trials that will not be trained on."""
        return frozenset(self._dropped)

    @property
    def elapsed(self) -> float:
        """Seconds that the run has taken, in all its parts."""
        return self._ledger.elapsed

    def _known(self, trial: Trial) -> Trial:
        self._configs.add(trial.config)
        return self._trials.setdefault(trial.id, trial)

    def _check(self, job: Job) -> None:
        """Raise UserError for a job that makes no sense."""
        told, most = f"trial {job.trial.id!r}", self.spec.max_epochs
        if job.trial.id not in self._trials:
            raise UserError(f"{told} is not of this lab: train takes what lab.trial or lab.recorded has returned")
        if self._allowance.at_work(job.trial.id):
            raise UserError(f"{told} is in training: await its result before it is trained on")
        if job.trial.id in self._dropped:
            raise UserError(f"{told} was dropped, or is fully trained: it cannot be trained to {job.stop} epochs")
        if not job.start < job.stop <= most:
            raise UserError(f"{told} has had {job.start} of {most} epochs: it cannot be trained to {job.stop}")

    async def _trained(self, job: Job, turn: Place) -> Result:
        """Return the result of `job`, from the journal or from a worker."""
        reached = self._reached.get(job.trial.id)
        result = self._ledger[job.key]
        if not result:
            async with self._slots.turn(turn):
                result = self._commit(await self._run(job, reached.checkpoint if reached else ""))
        self._reached[job.trial.id] = result
        if job.stop == self.spec.max_epochs or result.status is not Status.OK:
            self.drop(job.trial)
        return result

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
        if self._watchers.tell(self, result):
            self.stop.ask(CALLBACK)
        if self.stop.reason:
            raise Interrupted
        return result


def _id_of(trial: Trial) -> str:
    if not isinstance(trial, Trial):
        raise UserError(f"lab.train takes a trial, as lab.trial returns it, not {type(trial).__name__}")
    return trial.id


def _check(trial_id: str, operator: str) -> None:
    """Raise UserError for what a trial of the search cannot be called."""
    if not isinstance(trial_id, str) or not 0 < len(trial_id) <= _LONGEST or not trial_id.isprintable():
        raise UserError(f"the id {trial_id!r:.60} of a trial must be a text of 1 to {_LONGEST} printable characters")
    if _REPETITION.fullmatch(trial_id) or operator == REPEAT:
        raise UserError(f"trial {trial_id!r}, made by {operator}, would be a repetition: the engine alone makes those")

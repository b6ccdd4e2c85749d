"""May somebody else train? A scheduler of the user's asks what to train next, and tells what came of it.

After the ask-and-tell interfaces of Nevergrad, Optuna and Syne Tune.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas.api import composed, search
from nas.asked import Limits, Measure, check_names
from nas.core.confirmation import incumbent
from nas.core.errors import UserError
from nas.core.kinds import check
from nas.core.types import Job, Key, Result
from nas.engine.conduct import Search, Surroundings, session
from nas.engine.drive import undisturbed
from nas.engine.ends import CLOSED
from nas.engine.executors import Elsewhere
from nas.engine.executors.perform import perform
from nas.engine.outside import Stage
from nas.engine.watchers import Callback
from nas.history.experience import experience
from nas.runs.checkpoints import States
from nas.runs.earlier import parameters_begun
from nas.runs.run import Run

_ELSEWHERE = {  # arguments of nas.search that say how it trains, watches and ends: who asks does that
    "max_time", "verbose", "measure", "history", "run_dir", "initial", "default", "callbacks",
}  # fmt: skip


@dataclass(frozen=True)
class Assignment:
    """Train `config` from epoch `start` to `epochs` in all with this `seed`; keep the state at `checkpoint`, if any.

    `trial` is the id of the trial, the same at each of its rungs.
    """

    trial: str
    config: dict[str, Any]
    epochs: int
    start: int
    seed: int
    checkpoint: Path


@dataclass
class _Waiting:
    job: Job
    states: States
    result: asyncio.Future[Result]
    asked: float | None = None  # when, by the monotonic clock


@dataclass(frozen=True)
class _Prepared(States):
    whole: bool = True

    def prepare(self) -> bool:
        """The copy was made when the job was handed out; training has changed it since."""
        return self.whole


class _Told(Elsewhere):
    """An executor whose jobs wait until somebody tells what came of them."""

    slots = sys.maxsize

    def __init__(self) -> None:
        self.waiting = dict[Key, _Waiting]()

    async def run(self, job: Job, states: States) -> Result:
        self.waiting[job.key] = _Waiting(job, states, asyncio.get_running_loop().create_future())
        return await self.waiting[job.key].result

    def close(self) -> None:
        pass


class AskTell:
    """A search whose trials somebody else trains, one by one or many at a time. Use as a context manager.

    The arguments are those of `nas.search` but for those that say how it trains; limits may be left out. Told the same
    outcomes, in whatever order, it has the same history. With `run_dir` it goes on where it was left: what was asked
    for and never told is handed out again. Not for several threads at once.
    """

    def __init__(
        self,
        space: ConfigurationSpace,
        *,
        measure: Measure = None,
        history: str | Path | None = None,
        run_dir: str | Path | None = None,
        initial: Iterable[Mapping[str, Any]] = (),
        default: Mapping[str, Any] | None = None,
        callbacks: Sequence[Callback] = (),
        **settings: Any,
    ) -> None:
        """Begin the search, or go on with it. Raises what `nas.search` does for bad arguments and folders."""
        scheduler = settings.pop("budget", settings.get("scheduler"))  # as it was called before
        known = [name for name in search.__kwdefaults__ or {} if name not in _ELSEWHERE]
        check_names(settings, [*known, "details"], "AskTell")
        check(locals() | settings)
        limits = Limits(None, settings.pop("max_trials", None), settings.pop("max_total_epochs", None))
        given = {name: settings.pop(name) for name in known if name in settings}
        given |= {"strategy": given.get("strategy", "evolution"), "scheduler": scheduler or "halving"}
        directory = Path(run_dir).absolute() if run_dir is not None else None
        settings = parameters_begun(directory, given["strategy"], given["scheduler"]) | settings
        asked = composed(
            space, _elsewhere, settings, **given, measure=measure, initial=initial, default=default, limits=limits,
            experience=experience(history, space, directory),
        )  # fmt: skip
        self._executor = _Told()
        self._run: Run | None = None
        around = Surroundings(directory=directory, callbacks=callbacks)
        work = Search(asked.spec(), space, asked.measures, self._executor, asked.experience)
        with contextlib.ExitStack() as stack:
            self._session = stack.enter_context(session(work, around))
            self._stage = stack.enter_context(
                contextlib.closing(Stage(undisturbed(self._session.lab, work.spec.strategy)))
            )
            self._stack = stack.pop_all()

    def ask(self) -> Assignment | None:
        """Return what to train next, or None: then the search is `done`, or waits to be told of what it asked for.

        Raises UserError where the search cannot begin: when no configuration meets the constraints, say.
        """
        if self._run:
            return None
        self._stage.step()
        fresh = [each for each in self._executor.waiting.values() if each.asked is None]
        if not fresh or self.done:
            return None
        first = min(fresh, key=lambda each: each.job.place)
        first.asked, job = time.monotonic(), first.job
        states, trial = first.states, job.trial
        whole = states.prepare()
        first.states = _Prepared(**states.__dict__, whole=whole)
        start = job.start if whole else 0
        return Assignment(trial.id, trial.config.values, job.stop, start, trial.seed, states.checkpoint)

    def tell(self, assignment: Assignment, outcome: Mapping[str, Any] | BaseException) -> Result:
        """Return the result of `assignment`, on disk by then: `outcome` is what training returned, or raised.

        Raises UserError for what was not asked for, or was told before.
        """
        if not isinstance(assignment, Assignment):
            raise UserError(f"{assignment!r} is not what ask has returned")
        key = (assignment.trial, assignment.epochs)
        if self._run or self.done:
            raise UserError(f"the search has ended: the outcome of trial {key[0]} at {key[1]} epochs comes too late")
        told = self._executor.waiting.pop(key, None)
        if not told or told.asked is None:
            raise UserError(f"trial {key[0]} at {key[1]} epochs was not asked for, or was told before")
        result = perform(_teller(outcome), told.job, told.states)
        told.result.set_result(replace(result, seconds=round(time.monotonic() - told.asked, 3)))
        self._stage.step()
        committed = self._session.ledger[key]
        assert committed
        return committed

    @property
    def done(self) -> bool:
        """Whether the search has come to its end: nothing will be asked for any more."""
        return self._stage.done

    @property
    def best(self) -> Result | None:
        """The incumbent of all that was told."""
        return incumbent(self._session.lab.evidence, self._session.lab.spec)

    def close(self) -> Run:
        """Return what the search leaves. Where it is not `done` a new AskTell on its `run_dir` goes on with it."""
        if self._run is None:
            with self._stack:
                self._run = self._session.end(self._stage.step() or CLOSED)
        return self._run

    def __enter__(self) -> "AskTell":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._stack.close()


def _elsewhere(*_: object, **__: object) -> dict[str, float]:
    raise AssertionError("what is asked for is trained elsewhere")


def _teller(outcome: Mapping[str, Any] | BaseException) -> Callable[..., Mapping[str, Any]]:
    """Return a trainer that does nothing but return or raise `outcome`."""

    def train(*_: object, **__: object) -> Mapping[str, Any]:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return train

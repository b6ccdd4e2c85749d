"""How does a search go from what was asked to what it leaves? Folder, journal, strategy, end."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ConfigSpace import ConfigurationSpace

from nas.core import brackets
from nas.core.errors import UserError
from nas.core.phases import going_on, limits_changed
from nas.core.spec import RunSpec
from nas.engine.cheap import Cheap, Measures
from nas.engine.drive import drive
from nas.engine.ends import TIME, goes_on
from nas.engine.executors import Executor
from nas.engine.lab import EngineLab
from nas.engine.signals import deaf_to_ctrl_c
from nas.engine.watchers import Callback, Tracker, Watchers
from nas.history.experience import NOTHING, Experience
from nas.runs.checkpoints import Checkpoints
from nas.runs.command import Command, remember, replaced
from nas.runs.folder import begun, extend, read_end, write_end, write_history
from nas.runs.ledger import Ledger
from nas.runs.run import Run


@dataclass(frozen=True)
class Search:
    """What is searched, by what means of measuring and training, and what is known of earlier tasks."""

    spec: RunSpec
    space: ConfigurationSpace
    measures: Measures
    executor: Executor
    experience: Experience = NOTHING


@dataclass(frozen=True)
class Surroundings:
    """What does not decide the history: a limit in seconds, the run's folder, the command, who watches."""

    limit: float | None = None
    directory: Path | None = None
    command: Command | None = None
    trackers: Sequence[Tracker] = ()
    callbacks: Sequence[Callback] = ()


@dataclass(frozen=True)
class Session:
    """A search at work: its lab, and what is to be put in order at its end."""

    lab: EngineLab
    ledger: Ledger
    checkpoints: Checkpoints

    def end(self, stopped: str) -> Run:
        """Return what the search leaves, now that it is `stopped`, and write it to its folder."""
        lab, directory = self.lab, self.ledger.directory
        self.ledger.close()
        with deaf_to_ctrl_c():
            lab.executor.close()
            self.checkpoints.sweep(lab.dropped if goes_on(stopped) else None)
            run = Run(lab.spec, lab.history, stopped, lab.redraws.totals, directory, self.checkpoints.peak)
            if directory:
                write_history(directory / "history.jsonl", run.trials)
                write_end(directory, stopped, self.ledger.elapsed)
        return run


def conduct(search: Search, around: Surroundings) -> Run:
    """Return what the search leaves, within its limits. Raises what `nas.search` does; closes the executor."""
    with contextlib.closing(search.executor):
        _check_end(search.spec, around)
        with session(search, around) as begun_session:
            return begun_session.end(drive(begun_session.lab, search.spec.strategy, around.limit))


def _check_end(spec: RunSpec, around: Surroundings) -> None:
    """Raise UserError for a search without an end; one that ends before it begins is told."""
    if not spec.strategy.endless:
        return
    least, most = brackets.epochs(spec.scheduler.smallest), spec.max_total_epochs
    if most is not None and most < least and not spec.strategy.partial:
        told = "max total epochs is %d, less than the %d of a single trial: nothing will be trained"
        logging.getLogger(__name__).warning(told, most, least)
    if (around.limit, spec.max_trials, most) == (None, None, None):
        raise UserError("the search has no end: give max_time, max_trials or max_total_epochs")


@contextlib.contextmanager
def session(search: Search, around: Surroundings) -> Iterator[Session]:
    """Begin the search, or go on from the journal in its folder, which is locked in the block."""
    directory, executor = around.directory, search.executor
    with (
        begun(directory, search.spec) as (journal, before),
        contextlib.closing(Checkpoints(directory / "checkpoints" if directory else None)) as checkpoints,
    ):
        ledger = Ledger(search.spec, journal, read_end(directory)[1])
        spec = _going_on(search.spec, before, ledger, around)
        if directory:
            search.experience.keep(directory)
        if directory and around.command:
            remember(directory, around.command)
        cheap, watchers = Cheap(spec.constraints, search.measures), Watchers(around.trackers, around.callbacks)
        lab = EngineLab(spec, search.space, cheap, ledger, checkpoints, executor, watchers, search.experience)
        yield Session(lab, ledger, checkpoints)


def _going_on(asked: RunSpec, before: RunSpec, ledger: Ledger, around: Surroundings) -> RunSpec:
    """Return what is asked for with the limits that the run had before; other limits are written to its folder.

    More time alone is written with the first result that comes of it.
    """
    directory, limit = around.directory, around.limit
    counted = asked.max_trials or asked.max_total_epochs
    ended_by_time = read_end(directory)[0] == TIME and not counted
    more_time = ended_by_time and (limit is None or limit > ledger.elapsed)
    spec = going_on(before, asked, ledger.committed, more_time)
    if directory and limits_changed(before, asked):
        _extend(directory, spec, ledger, around)
    elif directory and spec.earlier != before.earlier:
        ledger.before_first = lambda: _extend(directory, spec, ledger, around)
    return spec


def _extend(directory: Path, spec: RunSpec, ledger: Ledger, around: Surroundings) -> None:
    """Write that the run goes on under other limits."""
    extend(directory, spec, ledger.elapsed)
    if around.command:
        replaced(directory, around.command)

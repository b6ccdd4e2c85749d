"""`nas reproduce`: reach a published metric by a race of optimizers, tuning, and full training."""

import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from nas.cli.asked import as_word
from nas.cli.commands.naming import fresh
from nas.cli.commands.phases import full, race, tuning
from nas.cli.commands.phases.planned import Planned
from nas.cli.commands.phases.race import Chosen
from nas.cli.commands.phases.tuning import Tuned
from nas.cli.commands.say import note, plain, say, warn
from nas.cli.commands.table import for_terminal, shown
from nas.cli.flag_values import is_data
from nas.cli.reproduced import PHASES, Wanted
from nas.core.constraints import parse
from nas.core.errors import UserError
from nas.core.slug import slug
from nas.core.words import quoted
from nas.engine.signals import exit_status
from nas.report.comparison.contest import alone
from nas.report.reproduction.page import write
from nas.report.reproduction.tables import phases, table
from nas.reproduction import decisions
from nas.reproduction import race as rules
from nas.reproduction.full import DIVERGED, EPOCHS, TARGET
from nas.runs import saved
from nas.runs.disk import write_atomically
from nas.runs.folder import REPRODUCTION, read_end
from nas.runs.reproduced import OPTIMIZERS, TUNING, Full, Phase1, Reproduction
from nas.training.device import choose_device
from nas.training.together import begin

_SHARES = {"phase1": 0.1, "phase2": 0.3}  # of the time limit, at most


def reproduce(flags: Namespace) -> int:
    """Do what is left of the three phases, print the answer and write its page. nas resume goes on from any phase."""
    if "run" in flags:
        directory, wanted = flags.run, _begun(flags.run, flags.now)
    else:
        wanted = Wanted.of(flags)
        directory = flags.run_dir / (flags.name or fresh(f"{slug(Path(wanted.model).stem)}-reproduced"))
    group = begin(choose_device(wanted.device))
    if not group.first:
        group.follow()
        return 0
    try:
        planned = Planned(wanted, directory)
        planned.check()
        with alone(directory, REPRODUCTION):
            _keep(planned)
            return _Phases(planned).go_on()
    finally:
        group.dismiss()


def _begun(directory: Path, now: Mapping[str, Any]) -> Wanted:
    """Return what the reproduction in `directory` was asked for; one that ended with a phase goes on with the next.

    Raises UserError where its data have moved away.
    """
    found = Reproduction.read(directory)
    wanted = Wanted.of_kept(found.asked, directory / REPRODUCTION).changed(now)
    skipped = wanted.until == PHASES[0] and wanted.optimizer is not None
    if skipped or decisions.decided(directory, wanted.until):
        wanted = replace(wanted, until=PHASES[-1])
    if not is_data(wanted.data):
        raise UserError(f"the data {wanted.data} of the run are not there: say by --data where they lie now")
    return wanted


def _keep(planned: Planned) -> None:
    """Write what is asked to the folder. Raises UserError where another reproduction lies there."""
    wanted, directory = planned.wanted, planned.directory
    if wanted.optimizer is not None:
        first = Phase1("given", 0, (as_word(wanted.optimizer),), ())
    else:
        first = Phase1(wanted.rule, wanted.steps, wanted.optimizers or rules.registry(), wanted.rates or rules.RATES)
    seeds = tuple(range(wanted.seed, wanted.seed + wanted.seeds))
    now = Reproduction(
        wanted.model, planned.space, wanted.data, planned.image_size, planned.target, planned.metric, seeds,
        wanted.epochs, first, tuple(_words(wanted)), wanted.kept(),
    )  # fmt: skip
    if (directory / REPRODUCTION).exists():
        before = Wanted.of_kept(Reproduction.read(directory).asked, directory / REPRODUCTION)
        told = [
            f"{name.replace('_', ' ')} {old}, now {getattr(wanted, name)}"
            for name, old in vars(before).items()
            if name not in _MAY_CHANGE and old != getattr(wanted, name)
        ]
        if told:
            raise UserError(f"{directory} is another reproduction, with {'; '.join(told)}: choose another --name")
    now.save(directory)


# What does not decide what comes out, but for when it comes to an end.
_MAY_CHANGE = {
    "data", "seeds", "stop_at_target", "target", "checkpoint_every", "checkpoint_steps", "until", "max_time", "workers",
    "workers_per_gpu", "trial_timeout", "quiet", "wandb", "wandb_project",
}  # fmt: skip


def _words(wanted: Wanted) -> list[str]:
    """Return a command line that asks for the same, what is as by default left out."""
    return ["python", "-m", "nas.main", "reproduce", *wanted.words()]


class _Phases:
    """The three phases over one folder, each from where it was left."""

    def __init__(self, planned: Planned) -> None:
        self.planned, self.wanted, self.directory = planned, planned.wanted, planned.directory

    def go_on(self) -> int:
        """Do what is left; return the exit status."""
        for line in self._announced():
            note(self.wanted.quiet)(line)
        status, trainings = self._all()
        self._told(trainings, status)
        return status

    def _all(self) -> tuple[int, list[Full]]:
        chosen, status = self._first()
        if chosen is None or self.wanted.until == PHASES[0]:
            return status, []
        tuned, status = self._second(chosen)
        if tuned is None or self.wanted.until == PHASES[1]:
            return status, []
        task = full.task(self.planned, tuned)
        trainings, stopped = full.run(self.planned, task, self._left())
        judged = [training for training in trainings if training.best]
        if judged:
            full.keep(self.planned, tuned, task, judged[0])
        return exit_status(stopped) or (0 if judged else 1), trainings

    def _first(self) -> tuple[Chosen | None, int]:
        """Return what phase 1 chooses, or None and the exit status where it is not over."""
        if self.wanted.optimizer is not None:
            return Chosen(self.wanted.optimizer, rate=self.wanted.fixed.get("learning_rate", rules.RATE)), 0
        chosen: Chosen | None = decisions.of(self.directory, PHASES[0], Chosen)
        if chosen is None:
            run = race.run(self.planned, self._limit(PHASES[0]))
            if status := exit_status(run.stopped):
                return None, status
            chosen = race.chosen(run)
            decisions.decide(self.directory, PHASES[0], asdict(chosen))
        note(self.wanted.quiet)(f"phase 1: {chosen.optimizer}, {chosen.policy}, at rate {chosen.rate:g}")
        return chosen, 0

    def _second(self, chosen: Chosen) -> tuple[Tuned | None, int]:
        """Return what phase 2 finds, or None and the exit status where it is not over."""
        tuned: Tuned | None = decisions.of(self.directory, PHASES[1], Tuned)
        if tuned is None and not (self.wanted.trials and self.wanted.tuned):
            tuned = tuning.skipped(self.planned, chosen)
            decisions.decide(self.directory, PHASES[1], asdict(tuned))
        if tuned is None:
            run = tuning.run(self.planned, chosen, self._limit(PHASES[1]))
            if status := exit_status(run.stopped):
                return None, status
            tuned = tuning.tuned(self.planned, chosen, run)
            decisions.decide(self.directory, PHASES[1], asdict(tuned))
        values = ", ".join(f"{name} {value:.4g}" for name, value in tuned.config.items())
        note(self.wanted.quiet)(f"phase 2: {values or 'skipped, all values are given'}")
        return tuned, 0

    def _limit(self, phase: str) -> float | None:
        """Return the seconds that a phase may take in all."""
        return None if self.wanted.max_time is None else _SHARES[phase] * self.wanted.max_time

    def _left(self) -> float | None:
        """Return the seconds that are left for the full trainings."""
        if self.wanted.max_time is None:
            return None
        trainings = (Full.read(self.directory, seed) for seed in self._seeds)
        spent = sum(read_end(self.directory / each)[1] for each in (OPTIMIZERS, TUNING))
        return self.wanted.max_time - spent - sum(training.seconds for training in trainings if training)

    @property
    def _seeds(self) -> range:
        return range(self.wanted.seed, self.wanted.seed + self.wanted.seeds)

    def _announced(self) -> list[str]:
        planned, plan = self.planned, self.planned.usual
        shape = "x".join(map(str, plan.images.shape))
        return [
            f"{self.wanted.model} on {self.wanted.data}: {len(plan.images):,} training images {shape}, "
            f"{len(plan.images.classes)} classes; {planned.metric} to reach: {planned.target:g}",
            *plan.remarks,
            f"folder {self.directory}",
        ]

    def _told(self, trainings: list[Full], status: int) -> None:
        """Print the answer so far, and write it beside the page."""
        lines = [shown(for_terminal(phases(self.directory)))]
        if trainings:
            lines.append(shown(for_terminal(table(self.directory))))
        if (file := self.directory / "best.json").exists():
            lines += [*_missed(saved.read(file)), f"recipe saved as {file}"]
        for training in trainings:
            if training.ended == DIVERGED:
                lines.append(f"the training by seed {training.seed} diverged in epoch {training.done + 1}")
        over = [training for training in trainings if training.ended in (EPOCHS, TARGET, DIVERGED)]
        if status > 1 or (self.wanted.until == PHASES[-1] and len(over) < self.wanted.seeds):
            warn(f"it is not done; go on by python -m nas.main resume {quoted(self.directory)}")
        summary = plain("\n".join(lines))
        write_atomically(self.directory / "summary.txt", summary + "\n")
        print(summary)
        say(f"page {write(self.directory, self.directory / 'reproduction.html')}", sys.stderr)


def _missed(best: saved.Saved) -> list[str]:
    """Return in words the constraints that the network does not meet."""
    metrics = best.evidence.get("test", {})
    bounds = map(parse, best.evidence.get("constraints", ()))
    return [
        f"it breaks {bound}: {bound.metric} is {metrics[bound.metric]:.4g}"
        for bound in bounds
        if bound.metric in metrics and bound.violation(metrics[bound.metric])
    ]

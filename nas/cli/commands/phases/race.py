"""Phase 1: which optimizer learns fastest? Each trains the network for a few steps on the same batches."""

from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console as Terminal

from nas.asked import Limits
from nas.cli.commands.phases.planned import Planned
from nas.core.errors import UserError
from nas.core.parts import late
from nas.core.types import Result, Status
from nas.core.units import duration
from nas.core.words import one_line
from nas.engine.conduct import Search as Work
from nas.engine.conduct import Surroundings, conduct
from nas.engine.ends import TIME
from nas.engine.watchers import View
from nas.history.experience import NOTHING
from nas.reproduction import race as rules
from nas.runs.reproduced import OPTIMIZERS
from nas.runs.run import Run
from nas.runs.saved import versions
from nas.strategies.schedulers.full import Full
from nas.training.race import RaceTask


@dataclass(frozen=True)
class Chosen:
    """The optimizer that phase 1 leaves, the policy that goes with it, and the rate that it ran at."""

    optimizer: Any
    policy: str = "constant"
    rate: float = rules.RATE


def run(planned: Planned, left: float | None) -> Run:
    """Return the race, run to its end or for so many seconds that are `left`."""
    wanted = planned.wanted
    runs, race, steps = planned.race
    epochs = race.bracket(len(runs))[-1].epochs
    plan = planned.usual
    task = RaceTask(plan.task, _recipe(planned), steps, epochs)
    details = {**plan.details, "recipe": {**plan.details["recipe"], **task.recipe}, "steps_per_epoch": steps}
    if any(run["optimizer"] in late("optimizer") for run in runs):
        details["zoo"] = versions(("pytorch-optimizer",))["pytorch-optimizer"]
    asked = replace(
        plan.search(), space=rules.space_of(runs), train=task, measure=None, objective="loss", maximize=False,
        constraints=(), strategy=race, scheduler=Full(epochs), limits=Limits(left), initial=runs, default=None,
        details=details, experience=NOTHING,
    )  # fmt: skip
    around = Surroundings(left, planned.directory / OPTIMIZERS, None, [_Told(len(runs), wanted.quiet)])
    return conduct(Work(asked.spec(), asked.space, asked.measures, planned.executor(plan, task)), around)


def chosen(run: Run) -> Chosen:
    """Return the winner. Raises UserError where there is none."""
    best = rules.winner(run.trials)
    if best is None and run.stopped == TIME:
        raise UserError("the time limit has ended phase 1 before any optimizer was done: go on with more --max-time")
    if best is None:
        first = next((one_line(result.error) for result in run.trials if result.error), "none has ended")
        raise UserError(f"no optimizer could train the network: {first}")
    config = best.config
    return Chosen(config["optimizer"], str(config["policy"]), float(str(config["learning_rate"])))


def _recipe(planned: Planned) -> dict[str, Any]:
    usual = {"weight_decay": rules.DECAY, "momentum": rules.MOMENTUM}
    return {
        **{f"{name}?": planned.wanted.fixed.get(name, value) for name, value in usual.items()},
        **planned.shared,
    }


class _Told:
    """Tells each result in a line."""

    def __init__(self, due: int, quiet: bool) -> None:
        self._due, self._terminal = due, Terminal(stderr=True, quiet=quiet, emoji=False)

    def __call__(self, lab: View, result: Result) -> None:
        config, first = result.config, sum(each.job.start == 0 for each in lab.history)
        how = f"{config['optimizer']}, {config['policy']}, rate {config['learning_rate']:g}"
        told = f"loss {result.metrics['loss']:.4f}" if result.status is Status.OK else str(result.status)
        place = f"{first} of {self._due}" if result.job.start == 0 else "goes on"
        line = one_line(f"{place}  {how}: {told} ({duration(result.seconds)})")
        self._terminal.print(line, highlight=False, soft_wrap=True, markup=False)

"""Phase 2: which learning rate, weight decay and momentum? A search of this engine, by ASHA."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ConfigSpace import UniformFloatHyperparameter

from nas.cli.commands.phases.planned import Planned
from nas.cli.commands.phases.race import Chosen
from nas.cli.commands.plan import Plan
from nas.cli.commands.say import note
from nas.core.errors import UserError
from nas.core.words import one_line
from nas.engine.conduct import Search as Work
from nas.engine.conduct import Surroundings, conduct
from nas.engine.ends import TIME
from nas.reproduction import race as rules
from nas.runs.run import Run
from nas.spaces import models
from nas.trackers import mode
from nas.trackers.child import Child
from nas.trackers.console import Console


@dataclass(frozen=True)
class Tuned:
    """What phase 2 leaves: a configuration of the model's space, by which the full training goes."""

    space: str
    config: Mapping[str, Any]
    optimizer: Any
    policy: str
    evidence: Mapping[str, Any]


def run(planned: Planned, chosen: Chosen, left: float | None) -> Run:
    """Return the search, run to its end or for so many seconds that are `left`."""
    wanted = planned.wanted
    plan = planned.tuning(chosen.optimizer, chosen.policy)
    asked = replace(plan.search(), initial=_initial(planned, plan, chosen))
    wandb = mode.decided(wanted.wandb)
    with (
        Child(plan.directory, wandb, wanted.wandb_project, wanted.quiet) as tracker,
        Console(left, wanted.quiet) as console,
    ):
        around = Surroundings(left, plan.directory, plan.command(), [console, tracker])
        executor = planned.executor(plan, asked.train)
        return conduct(Work(asked.spec(), asked.space, asked.measures, executor, asked.experience), around)


def _initial(planned: Planned, plan: Plan, chosen: Chosen) -> list[dict[str, Any]]:
    """Return the configuration at the rate that has won a race of several rates; none of a race at one rate."""
    values = dict(plan.space.default)
    if planned.wanted.rule != rules.HALVING or "learning_rate" not in values or planned.wanted.optimizer is not None:
        return []
    rate = plan.space.space["learning_rate"]
    assert isinstance(rate, UniformFloatHyperparameter)
    return [{**values, "learning_rate": min(max(chosen.rate, rate.lower), rate.upper)}]


def tuned(planned: Planned, chosen: Chosen, run: Run) -> Tuned:
    """Return the best configuration. Raises UserError where there is none."""
    best = run.best
    if best is None and run.stopped == TIME:
        raise UserError("the time limit has ended phase 2 before any trial was done: go on with more --max-time")
    if best is None:
        errors = [one_line(result.error) for result in run.trials if result.error]
        raise UserError(f"no trial of phase 2 has ended well: {next(iter(errors), 'none was trained')}")
    if not best.feasible:
        note(planned.wanted.quiet)("no trial of phase 2 meets the constraints: the one that misses them least goes on")
    evidence = {"trial": best.job.trial.id, "epochs_trained": best.epochs, "validation": best.metrics}
    return Tuned(planned.space, best.job.trial.config.values, chosen.optimizer, chosen.policy, evidence)


def skipped(planned: Planned, chosen: Chosen) -> Tuned:
    """Return what phase 1 leaves, with the values that it ran by."""
    wanted = planned.wanted
    usual = {"learning_rate": chosen.rate, "weight_decay": rules.DECAY, "momentum": rules.MOMENTUM}
    space = models.named(wanted.model, wanted.pretrained, **{**usual, **wanted.fixed})
    return Tuned(space, {}, chosen.optimizer, chosen.policy, {})

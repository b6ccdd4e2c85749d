"""Can what is asked of a reproduction be done? Everything is checked before anything is trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nas.asked import Machine
from nas.cli.commands.plan import Plan
from nas.cli.reproduced import Wanted
from nas.core.directions import less_is_better
from nas.core.errors import UserError
from nas.core.parts import made
from nas.engine.executors import Executor
from nas.engine.executors.perform import Train
from nas.reproduction.race import HALVING, RATES, race, registry, runners
from nas.reproduction.target import target_of
from nas.runs.reproduced import OPTIMIZERS, TUNING
from nas.spaces import models
from nas.strategies.race import Race
from nas.training.recipe import Recipe
from nas.training.task import CHEAP
from nas.training.together import current
from nas.training.together.led import Led

BATCH = 1024  # images, in all phases, as it was published


@dataclass(frozen=True)
class Planned:
    """What is wanted, for the folder `directory`. Its properties raise UserError for what cannot be."""

    wanted: Wanted
    directory: Path

    @property
    def metric(self) -> str:
        return self.wanted.metric.removeprefix("-")

    @property
    def maximize(self) -> bool:
        return not self.wanted.metric.startswith("-")

    @cached_property
    def target(self) -> float:
        return target_of(self.wanted.target, self.metric)

    @cached_property
    def space(self) -> str:
        """The name of the model's space, without the settings that were given."""
        return models.named(self.wanted.model, self.wanted.pretrained, **self.wanted.fixed)

    @cached_property
    def image_size(self) -> int | None:
        """Pixels a side: of files what the model was made for, of images that are small already as they are."""
        files = Path(self.wanted.data).is_absolute()  # a data set that is known has a name
        return self.wanted.image_size or (models.native_size(self.space) if files else None)

    @cached_property
    def shared(self) -> Mapping[str, Any]:
        """The settings of the trainer in all phases, besides optimizer, policy and what is tuned."""
        return {"batch_size": BATCH, **self.wanted.shared}

    @cached_property
    def usual(self) -> Plan:
        """What all phases have in common, with an optimizer that takes every setting; phase 1 lies in its folder."""
        return self._planned(OPTIMIZERS, "sgd", "constant")

    def tuning(self, optimizer: Any, policy: Any) -> Plan:
        """Return the search of phase 2, by an optimizer and a policy."""
        return self._planned(TUNING, optimizer, policy)

    def _planned(self, folder: str, optimizer: Any, policy: Any) -> Plan:
        settings = {**self.shared, "optimizer": optimizer, "policy": policy}
        asked = self.wanted.search(self.space, self.image_size, self.directory, folder, settings)
        return Plan(asked, official=True)

    def executor(self, plan: Plan, task: Train) -> Executor:
        """Return where the jobs of a phase run: as the plan says, or in all of the processes that torchrun started."""
        if current().count == 1:
            return plan.search().machine.executor(task)
        return Machine(trial_timeout=self.wanted.trial_timeout).executor(Led(task))

    def check(self) -> None:
        """Raise UserError for what is wrong with any phase, as far as it can be known."""
        _ = self.target
        if self.maximize and less_is_better(self.metric):
            raise UserError(f"less of the {self.metric} is better: give --metric=-{self.metric}")
        self._check_race()
        plan = self.usual
        batch, images = Recipe.of(plan.space.default, plan.space.trainer, plan.space.recipe).batch_size, plan.here
        room = len(images.splits[0][0])
        if batch > room:
            raise UserError(
                f"a batch has {batch:,} images, but {self.wanted.data} only {room:,} to tune on: "
                f"give --batch-size, at most {room}"
            )
        self._check_cost(plan)
        if self.wanted.optimizer is not None:
            self.tuning(self.wanted.optimizer, "constant")

    @cached_property
    def race(self) -> tuple[list[dict[str, Any]], Race, int]:
        """Who runs in phase 1, the race, and the steps of its epochs."""
        wanted = self.wanted
        optimizers = wanted.optimizers or registry()
        runs = runners(wanted.rule, optimizers, wanted.rates or RATES, wanted.fixed.get("learning_rate"))
        return runs, *race(wanted.rule, len(runs), wanted.steps, len(optimizers))

    def _check_race(self) -> None:
        """Raise UserError for flags of phase 1 that would do nothing, or that name somebody twice."""
        wanted = self.wanted
        if wanted.rates and wanted.rule != HALVING:
            raise UserError("--rates goes with --phase1 halving: by the rule fixed all run at one rate")
        if wanted.optimizers and wanted.optimizer is not None:
            raise UserError("--optimizer skips the race that --optimizers is for: give one of them")
        for flag, values in (("--optimizers", wanted.optimizers), ("--rates", wanted.rates)):
            if len({*values}) < len(values):
                raise UserError(f"{flag} {' '.join(map(str, values))}: each may be there once")
        for name in wanted.optimizers:
            if ".py:" in name:
                made("optimizer", name)
        if wanted.optimizer is None:
            _ = self.race

    def _check_cost(self, plan: Plan) -> None:
        """Raise UserError for a model that breaks a constraint before it is trained."""
        measures = plan.here.measures()
        for constraint in plan.constraints:
            if constraint.metric in CHEAP:
                found = measures[constraint.metric](dict(plan.space.default))
                if constraint.violation(found):
                    raise UserError(
                        f"{self.wanted.model} has {constraint.metric} {found:.10g}, which breaks {constraint}: "
                        "choose another model or bound"
                    )

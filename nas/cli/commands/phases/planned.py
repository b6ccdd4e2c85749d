"""Can what is asked of a reproduction be done? Everything is checked before anything is trained."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nas.cli.commands.plan import Plan
from nas.cli.reproduced import FULL_POLICY, Wanted
from nas.core.constraints import violation
from nas.core.errors import UserError
from nas.core.numbers import shown
from nas.reproduction.files import TUNING
from nas.reproduction.race import DECAY, MOMENTUM
from nas.reproduction.target import target_of
from nas.spaces import models
from nas.training.recipe import Recipe, prescribed
from nas.training.tuning import TuningTask

BATCH = 1024  # of all phases, as it was published


@dataclass(frozen=True)
class Planned:
    """What is wanted, for the folder `directory`. Raises UserError for what cannot be."""

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
        ...

    def plan(self, optimizer: str = "sgd", policy: Any = "constant") -> Plan:
        """Return the search of phase 2, by an optimizer and a policy. Raises UserError for what it cannot do."""
        ...

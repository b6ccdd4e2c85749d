"""What is a full training? Of which configuration, on which images, and which of its epochs is the best?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch

from nas.core.constraints import Constraint, total_violation
from nas.core.plain import canonical
from nas.core.types import Config
from nas.deploy import trained
from nas.runs.reproduced import TRAINING as FOLDER
from nas.runs.reproduced import Point
from nas.spaces.space import Space, load
from nas.training.official import pieces
from nas.training.pieces import TRAINING, Piece
from nas.training.recipe import check, overruled, settings


@dataclass(frozen=True)
class FullTask:
    """The full training of one configuration: on which images, for how long, and when it may end before.

    `recipe` are the settings beside those of the space of that name. Of two epochs the one is better that misses the
    `constraints` less, then the one with more of the `metric`, or less where not `maximize`. `target` is the value that
    ends the training where it is reached by a network that meets them, if any does. State, curve and best network lie
    in the folder of the reproduction, `directory`; the state is kept every `save_every` seconds, every `save_steps`
    steps, and when it ends. Sent to other processes, each of which loads its images.
    """

    space_name: str
    recipe: Mapping[str, Any]
    values: Mapping[str, Any]
    data: str
    image_size: int | None
    epochs: int
    metric: str
    maximize: bool
    directory: Path
    device: str = "cpu"
    threads: int = 1
    deterministic: bool = False
    decoders: int = 0
    target: float | None = None
    save_every: float = 300.0
    save_steps: int | None = None
    constraints: tuple[Constraint, ...] = ()  # on metrics that are known after training only

    @cached_property
    def space(self) -> Space:
        """The space with the whole recipe. Raises UserError for one that could train nothing."""
        space = overruled(load(self.space_name), self.recipe)
        check(space)
        return space

    @cached_property
    def config(self) -> Config:
        return Config.of(self.values)

    @cached_property
    def pieces(self) -> dict[str, Piece]:
        """The images to train on, and those that judge."""
        return pieces(self.data, self.image_size, self.device, decoders=self.decoders)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the loaded images behind."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def network(self, seed: int) -> Path:
        """Return where the best network by a seed is kept."""
        return self.directory / FOLDER / f"seed{seed}{trained.SUFFIX}"

    def reached(self, point: Point) -> bool:
        """Return whether the target was reached there."""
        if self.target is None or total_violation(self.constraints, point.metrics):
            return False
        value = point.metrics[self.metric]
        return value >= self.target if self.maximize else value <= self.target

    def better(self, point: Point, other: Point | None) -> bool:
        """Return whether the network was better there than at the `other` point, if there is one."""
        return other is None or self._merit(point) > self._merit(other)

    def _merit(self, point: Point) -> tuple[float, float]:
        value = point.metrics[self.metric]
        return -total_violation(self.constraints, point.metrics), value if self.maximize else -value

    @cached_property
    def of(self) -> str:
        """A digest of what must be the same for a training to go on."""
        images, space = self.pieces[TRAINING].images, self.space
        decisive = [self.config.values, self.epochs, images.digest, images.shape, space.digest, space.source]
        whole = canonical([*decisive, settings(space), torch.__version__])
        return blake2b(whole.encode(), digest_size=8).hexdigest()

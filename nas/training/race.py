"""How far does an optimizer bring a network in a few steps? All see the same batches, from the same weights."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from nas.core.errors import Diverged, UserError
from nas.core.seeds import seed as seed_of
from nas.spaces.space import Space
from nas.spaces.space import load as load_space
from nas.training.device import be_deterministic
from nas.training.keeper import Keeper
from nas.training.pieces import TRAINING, Piece
from nas.training.recipe import Recipe, prescribed
from nas.training.task import ImageTask
from nas.training.training import Training

SETTINGS = ("optimizer", "policy", "learning_rate")
STEPS, LOSSES = "steps", "losses"  # in the details of a result
_JUDGED = 0.1  # share of the steps, the last ones, whose mean loss is what counts
_POINTS = 100  # of a curve, at most
_LOOK = 10  # steps, after which a loss that is no number ends the training


class CannotRun(Exception):  # noqa: N818 (a fate: the others run without it)
    """An optimizer cannot be made, or not be made to train this network."""


@dataclass(frozen=True)
class RaceTask:
    """Trains the default network of the space of `task` by the settings it is asked for; `recipe` fixes the others.

    An epoch of the race has `steps` steps, and the longest training has `epochs` of them. Sent to workers.
    """

    task: ImageTask
    recipe: Mapping[str, Any]
    steps: int
    epochs: int

    def __call__(
        self, asked: dict[str, Any], *, epochs: int, start: int, seed: int, checkpoint: Path
    ) -> dict[str, Any]:
        """Train on to `epochs`. Return the mean training loss of the last tenth of all steps so far, and a curve.

        Weights and batches are the same for all, whatever the `seed` of the trial. Raises nas.Diverged for a loss that
        is not finite, and CannotRun.
        """
        torch.set_num_threads(self.task.threads)
        if self.task.deterministic:
            be_deterministic()
        try:
            training = self.begun(asked)
        except UserError as error:
            raise CannotRun(str(error)) from None
        keeper = Keeper(checkpoint / "training", repr(sorted(asked.items())), math.inf)
        if start:
            keeper.resume(training)
        until, before = epochs * self.steps, training.position
        try:
            with warnings.catch_warnings():  # of gradients that hold on to their graph, which the step lets go
                warnings.filterwarnings("ignore", "Using backward.. with create_graph=True")
                losses = _trained(training, until)
            if epochs < self.epochs:
                keeper.save(training)
        finally:
            training.release()
        last = losses[-max(1, round(_JUDGED * until)) :]
        return {"loss": sum(last) / len(last), STEPS: until, LOSSES: _curve(before, losses)}

    def begun(self, asked: Mapping[str, Any]) -> Training:
        """Return the training, not yet trained. Raises UserError for settings that do not go together."""
        given = {setting: asked[setting] for setting in SETTINGS}
        space, key = prescribed(self.space, given), (self.task.seed, "race")
        epochs = math.ceil(self.steps * self.epochs / self._steps_per_epoch)
        config = space.default
        return Training.begin(space, config, self.pieces, key, epochs, self.task.device, self.task.recorded)

    @cached_property
    def space(self) -> Space:
        """The space of the model, which has nothing left to search."""
        return prescribed(load_space(self.task.space_name), self.recipe)

    @cached_property
    def pieces(self) -> dict[str, Piece]:
        """The images that the race is run on: as many as its steps show, where that is less than an epoch."""
        indices = self.task.splits[0][0]
        draws = torch.Generator().manual_seed(seed_of(self.task.seed, "race", "images"))
        shown = torch.randperm(len(indices), generator=draws)[: self.steps * self.epochs * self._batch]
        return {TRAINING: Piece(self.task.images, indices[shown.sort().values])}

    @property
    def _batch(self) -> int:
        return Recipe.of(self.space.default, self.space.trainer, self.space.recipe).batch_size

    @property
    def _steps_per_epoch(self) -> int:
        return math.ceil(len(self.pieces[TRAINING]) / self._batch)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the loaded images behind: each process loads its own."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def _trained(training: Training, until: int) -> list[float]:
    """Return the loss before each step up to step number `until`."""
    losses, known = list[torch.Tensor](), 0
    for batch in training.batches(until):
        losses.append(training.step(batch))
        if len(losses) - known == _LOOK or training.position == until:
            for number, loss in enumerate(torch.stack(losses[known:]).tolist(), known):
                if not math.isfinite(loss):
                    raise Diverged(f"the loss of step {training.position - len(losses) + number + 1} is {loss}")
            known = len(losses)
    return [float(loss) for loss in torch.stack(losses).tolist()]


def _curve(before: int, losses: Sequence[float]) -> list[list[float]]:
    """Return at most so many points [step, loss], evenly, the last among them."""
    every = math.ceil(len(losses) / _POINTS)
    numbers = range((len(losses) - 1) % every, len(losses), every)
    return [[before + number + 1, float(f"{losses[number]:.6g}")] for number in numbers]

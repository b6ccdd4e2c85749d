"""How good does one configuration become by this optimizer, policy and learning rate? Trained once, judged twice.

The space of such a study has four hyperparameters: these three and the seed of weights and order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from nas.core import faults
from nas.core.types import Config
from nas.data import load
from nas.runs.checkpoints import delete, unfinished
from nas.spaces.space import Space
from nas.training.device import be_deterministic
from nas.training.keeper import Keeper
from nas.training.pieces import TEST, TRAINING, VALIDATION, Piece
from nas.training.recipe import Recipe, prescribed
from nas.training.task import ImageTask
from nas.training.together import sharing
from nas.training.training import Training
from nas.training.trajectory import watched

SETTINGS, SEED = ("optimizer", "policy", "learning_rate"), "seed"
ON_TEST = "test_"  # before the name of a metric of the test part; those of the validation images have no such word
TOTAL_OVER_USEFUL = "total_over_useful"  # steps


@dataclass(frozen=True)
class StudyTask:
    """Trains `config` on the first fold of `task`, and tests it; sent to worker processes as an ImageTask is.

    `recipe`, where there is one, stands in place of the one that the space has.
    """

    task: ImageTask
    config: Mapping[str, Any]
    recipe: Mapping[str, Any] | None = None

    def __call__(
        self, asked: dict[str, Any], *, epochs: int, start: int, seed: int, checkpoint: Path
    ) -> dict[str, Any]:
        """Train to `epochs` by the settings that are `asked` for. Return metrics of validation and test.

        All contestants on one seed begin with the same weights and see the same images, whatever the trial's own
        `seed`. Raises nas.Diverged for a loss that is not finite.
        """
        torch.set_num_threads(self.task.threads)
        if self.task.deterministic:
            be_deterministic()
        training, kept = self.begun(asked, epochs), unfinished(checkpoint)
        keeper = Keeper(kept / "training", Config.of(asked).id, self.task.save_every)
        keeper.resume(training)
        try:
            for batch in training.batches(epochs * training.steps_per_epoch):
                training.step(batch)
                if training.between_epochs:
                    faults.point("epoch.trained")
                keeper.now_and_then(training)
            return self._judged(training)
        finally:
            training.release()
            if sharing().first:
                delete(kept)

    def begun(self, asked: Mapping[str, Any], epochs: int) -> Training:
        """Return the training, not yet trained. Raises UserError for settings that do not go together."""
        given = {setting: asked[setting] for setting in SETTINGS}
        space, key = prescribed(self.space, given), (asked[SEED], "study")
        return Training.begin(space, self.config, self.pieces, key, epochs, self.task.device, self.task.recorded)

    def tunes_itself(self, asked: Mapping[str, Any], epochs: int) -> bool:
        """Return whether the optimizer or the policy finds a learning rate, so that none need be given."""
        return watched(self.begun(asked, epochs))

    @cached_property
    def own_rate(self) -> float:
        """The learning rate that the recipe says."""
        return Recipe.of(self.config, self.space.trainer, self.space.recipe).learning_rate

    @cached_property
    def space(self) -> Space:
        found = self.task.space
        return found if self.recipe is None else replace(found, recipe=self.recipe)

    @cached_property
    def pieces(self) -> dict[str, Piece]:
        """The images to train on, those to choose by, and those of the test part; the same for all."""
        task, images = self.task, self.task.images
        test = load(task.data, "test", task.image_size, resident_bytes=task.resident_bytes, decoders=task.decoders)
        trained_on, validation = task.splits[0]
        return {
            TRAINING: Piece(images, trained_on),
            VALIDATION: Piece(images, validation),
            TEST: Piece(test.to(task.device), torch.arange(len(test))),
        }

    def _judged(self, training: Training) -> dict[str, Any]:
        tested = {f"{ON_TEST}{name}": value for name, value in training.validate(TEST).items()}
        found: dict[str, Any] = {**training.validate(VALIDATION), **tested, "loss_curve": training.losses}
        found[TOTAL_OVER_USEFUL] = training.position / max(1, training.position - training.lag)
        trajectory = training.trajectory()
        return {**found, "trajectories": [trajectory]} if trajectory else found

    def __getstate__(self) -> dict[str, Any]:
        """Leave the loaded images behind: each process loads its own."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

"""The objective of the main job: train the network of a configuration on images, cross-validated."""

import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch

from nas.core import defaults, faults
from nas.core.errors import Diverged, Unbuildable
from nas.core.types import Config
from nas.data import load as load_images
from nas.data.folds import Split, splits
from nas.data.images import Images
from nas.runs.checkpoints import delete, unfinished
from nas.spaces.space import Space
from nas.spaces.space import load as load_space
from nas.training import cost, former
from nas.training.device import be_deterministic, free_memory, share_memory
from nas.training.keeper import Keeper
from nas.training.measuring import mean
from nas.training.pieces import TRAINING, VALIDATION, Piece
from nas.training.recipe import Recipe, check, overruled
from nas.training.together import sharing
from nas.training.training import Key, Training

CHEAP = ("params", "macs", "size_mb", "train_seconds", "latency_ms")


def _of_an_earlier_version(kept: Path) -> Path:
    """Return where the file lies that an earlier version kept in place of the folder `kept`."""
    return kept.with_name("former")


def _hand_over(kept: Path, checkpoint: Path | None) -> None:
    """Let the states in the folder `kept` be the checkpoint, if there is to be one; else delete them."""
    if checkpoint:
        delete(checkpoint)
        kept.rename(checkpoint)
    else:
        delete(kept)
    with suppress(OSError):  # it holds something else, or is not there
        kept.parent.rmdir()


def _measured(function: Callable[[dict[str, Any]], float], config: dict[str, Any]) -> float:
    """Return the metric. Raises Unbuildable for whatever the space's build or the network's forward raises."""
    try:
        return function(config)
    except Exception as error:
        raise Unbuildable(
            f"the network of {config} cannot be built or run: {type(error).__name__}: {' '.join(str(error).split())}"
        ) from error


@dataclass(frozen=True)
class ImageTask:
    """Which images, in which folds, on which device; sent to worker processes, each loading its images once."""

    data: str
    image_size: int | None
    space_name: str
    folds: int
    seed: int
    max_epochs: int
    device: str
    threads: int
    resident_bytes: int | None = None  # images that need more memory are decoded on access
    deterministic: bool = False  # on a GPU too, where it costs speed
    diverge_above: float | None = None  # times the loss of the first epoch, where a training is given up
    save_every: float = 60.0  # seconds of training, the most that a killed worker loses
    recorded: bool = False  # steps, as CUDA graphs
    workers_per_gpu: int = 1
    decoders: int = 0  # processes of each training that decode images which are not kept in memory
    recipe: Mapping[str, Any] = field(default_factory=dict)  # settings in place of those that the space fixes
    official: bool = False  # whether val/ of a folder without test/ is kept for the end (see nas.training.official)

    @cached_property
    def images(self) -> Images:
        """The training part, resident on the device where it fits. The test part is out of reach from here."""
        loaded = load_images(
            self.data,
            "train",
            self.image_size,
            resident_bytes=self.resident_bytes,
            decoders=self.decoders,
            official=self.official,
        )
        images = loaded.to(self.device)
        assert images.part == "train", "the search must never see the test part"
        return images

    @cached_property
    def space(self) -> Space:
        space = overruled(load_space(self.space_name), self.recipe)
        check(space)
        return space

    @cached_property
    def splits(self) -> list[Split]:
        """Training and validation indices of each fold; the same in every trial of a run."""
        return splits(self.images.labels, self.folds, self.seed, self.images.holdout)

    def __call__(self, config: dict[str, Any], **job: Any) -> dict[str, Any]:
        """Train every fold from `start` to `epochs` and return mean metrics, those of each fold, and the loss curve.

        Where the optimizer learns hyperparameters or the policy tries some, the trajectory of each fold, too.

        Raises nas.Diverged for a loss that is not finite or above the limit, and lets torch's out-of-memory error
        through.
        """
        return self._guarded(config, self.splits, **job)

    def again(self, config: dict[str, Any], *, seed: int, **job: Any) -> dict[str, Any]:
        """Do the same in folds that are drawn anew, by `seed`."""
        folds = splits(self.images.labels, self.folds, seed, self.images.holdout)
        return self._guarded(config, folds, seed=seed, **job)

    def _guarded(
        self, config: dict[str, Any], folds: list[Split], *, epochs: int, start: int, seed: int, checkpoint: Path
    ) -> dict[str, Any]:
        torch.set_num_threads(self.threads)
        if self.deterministic:
            be_deterministic()
        if self.workers_per_gpu > 1:
            share_memory(self.workers_per_gpu)
        try:
            return self._train(config, folds, epochs, start, seed, checkpoint)
        except torch.OutOfMemoryError as error:
            traceback.clear_frames(error.__traceback__)  # they hold the tensors
            free_memory()
            raise

    def _train(
        self, config: dict[str, Any], folds: list[Split], epochs: int, start: int, seed: int, checkpoint: Path
    ) -> dict[str, Any]:
        """Train one fold after the other: one network at a time is in memory.

        Until the last is done each leaves its state where a killed job finds it again; then all are the checkpoint.
        """
        kept, more = unfinished(checkpoint), epochs < self.max_epochs
        if sharing().first and kept.is_file():
            kept.replace(_of_an_earlier_version(kept))
        validated, curves, trajectories = list[dict[str, float]](), list[list[float]](), list[dict[str, Any]]()
        for i, (train, validation) in enumerate(folds):
            pieces = {TRAINING: Piece(self.images, train), VALIDATION: Piece(self.images, validation)}
            keeper = Keeper(kept / f"fold{i}", f"{Config.of(config).id} {seed}", self.save_every)
            training = self._begun(config, pieces, (seed, "fold", i), checkpoint if start else None, keeper)
            try:
                self._train_on(training, epochs, keeper)
                if more or i < len(folds) - 1:
                    keeper.save(training)
                validated.append(training.validate(VALIDATION))
                curves.append(training.losses)
                trajectories += [told] if (told := training.trajectory()) else []
            finally:
                training.release()
            del training  # before there is another
        sharing().from_first(lambda: _hand_over(kept, checkpoint if more else None))
        curve = [sum(epoch) / len(epoch) for epoch in zip(*curves, strict=True)]
        found = {**mean(validated), "folds": validated, "loss_curve": curve}
        return {**found, "trajectories": trajectories} if trajectories else found

    def _begun(
        self, config: dict[str, Any], pieces: dict[str, Piece], key: Key, before: Path | None, keeper: Keeper
    ) -> Training:
        """Return the training of a fold: where a killed job left it, else where the rung `before` did."""
        training = Training.begin(self.space, config, pieces, key, self.max_epochs, self.device, self.recorded)
        fold, left = int(key[-1]), _of_an_earlier_version(keeper.path.parent)
        if not keeper.resume(training) and not former.resume(training, left, fold, keeper.owner) and before:
            ended = replace(keeper, path=before / keeper.path.name)
            ended.resume(training) or former.resume(training, before, fold, keeper.owner)
        return training

    def _train_on(self, training: Training, epochs: int, keeper: Keeper) -> None:
        """Train from where the training is to `epochs`."""
        for batch in training.batches(epochs * training.steps_per_epoch):
            training.step(batch)
            if training.between_epochs:
                self._check(training.losses)
                faults.point("epoch.trained")
            keeper.now_and_then(training)

    def _check(self, curve: list[float]) -> None:
        if self.diverge_above and curve[-1] > self.diverge_above * curve[0]:
            raise Diverged(
                f"the training loss of epoch {len(curve)} is {curve[-1]:.4g}, "
                f"more than {self.diverge_above:g} times the {curve[0]:.4g} of the first"
            )

    def parameters(self, config: dict[str, Any]) -> float:
        """Return the number of trainable parameters."""
        return cost.parameters(self._on_meta(config))

    def macs(self, config: dict[str, Any]) -> float:
        """Return the multiply-accumulates of one forward pass."""
        return cost.macs(self._on_meta(config), self.images.shape)

    def size_mb(self, config: dict[str, Any]) -> float:
        """Return the size of the parameters in megabytes, 4 bytes each."""
        return self.parameters(config) * 4e-6

    def train_seconds(self, config: dict[str, Any]) -> float:
        """Return what a full training of all folds takes on a nominal device of this kind, in seconds."""
        return self.nominal_seconds(config, self.folds)

    def nominal_seconds(self, config: dict[str, Any], folds: int) -> float:
        """Return the same for another number of folds; 1 means training on all images, as at the end of a search."""
        recipe = Recipe.of(config, self.space.trainer, self.space.recipe)
        seen = defaults.images_seen(len(self.images), self.max_epochs, folds)
        macs, parameters = self.macs(config), self.parameters(config)
        return defaults.training_seconds(macs, parameters, recipe.batch_size, seen, self.device, self.threads)

    def latency_ms(self, config: dict[str, Any]) -> float:
        """Return the median time of one image through the untrained network, in milliseconds."""
        torch.set_num_threads(self.threads)
        model = self.space.build(config, self.images.shape, len(self.images.classes))
        return cost.latency_ms(model, self.images.shape, torch.device(self.device))

    def _on_meta(self, config: dict[str, Any]) -> torch.nn.Module:
        return cost.on_meta(self.space.build, config, self.images.shape, len(self.images.classes))

    def measures(self) -> dict[str, Callable[[dict[str, Any]], float]]:
        """Return the cheap metrics by name, the cheapest to measure first."""
        functions = (self.parameters, self.macs, self.size_mb, self.train_seconds, self.latency_ms)
        return {name: partial(_measured, function) for name, function in zip(CHEAP, functions, strict=True)}

    def __getstate__(self) -> dict[str, Any]:
        """Leave the loaded images behind: each process loads its own."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

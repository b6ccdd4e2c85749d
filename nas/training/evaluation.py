"""How good is a saved configuration really? Retrain it on the whole training part, test it on what it never saw."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import torch

from nas.core import faults
from nas.core.digests import is_listed
from nas.core.plain import canonical
from nas.core.types import Config
from nas.data import load as load_images
from nas.data.catalog import read_training
from nas.data.folds import Split, splits
from nas.data.images import Images
from nas.data.parallel import spare
from nas.spaces.space import Space
from nas.training import cost, official
from nas.training.keeper import Keeper, ctrl_c_noted
from nas.training.measuring import Predictions, finite, mean, metrics
from nas.training.pieces import TEST, TRAINING, VALIDATION, Piece
from nas.training.recipe import settings
from nas.training.training import Batch, Key, Training

SAVE_EVERY = 60.0  # seconds, the most that a kill costs
UNFINISHED = "unfinished"  # how the folder of trainings that are not done is called, after their file
Progress = Callable[[Iterable[Batch], int, int], Iterable[Batch]]  # of batches, of which so many there are, and were


@dataclass(frozen=True)
class Evaluation:
    """Metrics on the named part, and how often each true class (row) was taken for each class (column).

    Of a test also the trained network and what it predicted for each image. Where hyperparameters were learned or tried
    in training, the trajectory of the test, or of each fold.
    """

    part: str
    metrics: dict[str, float]
    confusion: list[list[int]]
    classes: tuple[str, ...]
    training: Training | None = None
    predictions: Predictions | None = None
    trajectories: Sequence[dict[str, Any]] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what evaluation.json keeps; trajectories where there are any."""
        names = ("part", "metrics", "confusion", "classes", *(["trajectories"] if self.trajectories else []))
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Evaluator:
    """What retraining needs besides a configuration.

    `official`: it is trained on and tested by what publications are (see `nas.training.official`). A training ends
    after the epoch `until`, where there is one, of those it was planned for. One that was stopped goes on from what
    it left in the folder `kept`, if there is to be one; when all is done nothing is left of that.
    """

    space: Space
    data: str
    image_size: int | None
    device: str
    threads: int
    progress: Progress = lambda batches, total, done: batches
    kept: Path | None = None
    told: Callable[[str], None] = lambda text: None
    official: bool = False
    until: int | None = None
    _parts: dict[str, Images] = field(default_factory=dict, repr=False)

    def images(self, part: str) -> Images:
        """Return the "train" or "test" part, on the device; read once."""
        if part not in self._parts:
            self._parts[part] = self._loaded(part).to(self.device)
        return self._parts[part]

    def digest_like(self, other: str) -> str:
        """Return the digest of the training images of the kind of `other`; all of them are read if that takes it."""
        if other and not is_listed(other) and is_listed(self.images("train").digest):
            read_training(self.data, self.official)
            del self._parts["train"]
        return self.images("train").digest_like(other)

    def _loaded(self, part: str) -> Images:
        decoders = spare(1, self.threads)
        return load_images(self.data, part, self.image_size, decoders=decoders, official=self.official)

    def test(self, config: Config, epochs: int, seed: int) -> Evaluation:
        """Train on the whole training part and return the metrics of the test part, with parameters and MACs.

        Raises nas.Diverged for a loss that is not finite, and KeyboardInterrupt at Ctrl-C, when the training is kept.
        """
        train, test = self.images("train"), self.images("test")
        pieces = {TRAINING: Piece(train, torch.arange(len(train))), TEST: Piece(test, torch.arange(len(test)))}
        training = self._trained(config, pieces, epochs, (seed, "final"))
        predictions, values = self._judged(training, TEST)
        self._forget([(seed, "final")])
        values |= self._costs(config, train)
        confusion, trajectories = predictions.confusion.tolist(), [*filter(None, [training.trajectory()])]
        part = official.judged_by(self.data) if self.official else "test"
        return Evaluation(part, values, confusion, test.classes, training, predictions, trajectories)

    def cross_validate(self, config: Config, epochs: int, seed: int, folds: int) -> Evaluation:
        """Return mean metrics over `folds` folds of the training part; the confusion counts are summed."""
        images = self.images("train")
        keys: list[Key] = [(seed, "fold", i) for i in range(folds)]
        judged = [
            self._fold(config, split, epochs, key)
            for key, split in zip(keys, splits(images.labels, folds, seed, images.holdout), strict=True)
        ]
        self._forget(keys)
        confusion = torch.stack([predictions.confusion for predictions, *_ in judged]).sum(0).tolist()
        values = {**mean([values for _, values, _ in judged]), **self._costs(config, images)}
        part, trajectories = f"{folds}-fold cross-validation", [told for *_, told in judged if told]
        return Evaluation(part, values, confusion, images.classes, trajectories=trajectories)

    def _fold(
        self, config: Config, split: Split, epochs: int, key: Key
    ) -> tuple[Predictions, dict[str, float], dict[str, Any]]:
        """Return the predictions, metrics and trajectory of a fold."""
        images = self.images("train")
        pieces = {part: Piece(images, part_of) for part, part_of in zip((TRAINING, VALIDATION), split, strict=True)}
        training = self._trained(config, pieces, epochs, key)
        if self.kept:
            self._keeper(training, config, key).save(training)  # until all folds are done
        return *self._judged(training, VALIDATION), training.trajectory()

    def _trained(self, config: Config, pieces: dict[str, Piece], epochs: int, key: Key) -> Training:
        """Return the training when it is done."""
        torch.set_num_threads(self.threads)
        training = Training.begin(self.space, config.values, pieces, key, epochs, self.device)
        until = (self.until or epochs) * training.steps_per_epoch
        keeper = self._keeper(training, config, key) if self.kept else None
        if keeper and keeper.resume(training):
            self.told(f"going on after {training.position} of {until} steps, kept in {keeper.path}")
        with ctrl_c_noted() as pressed:
            for batch in self.progress(training.batches(until), until, training.position):
                training.step(batch)
                if keeper:
                    keeper.now_and_then(training)
                    faults.point("step.trained")
                if pressed():
                    self._stop(training, until, keeper)
        training.release()
        return training

    def _stop(self, training: Training, until: int, keeper: Keeper | None) -> NoReturn:
        if keeper:
            keeper.save(training)
            self.told(f"stopped after {training.position} of {until} steps: the same command goes on from there")
        raise KeyboardInterrupt

    def _judged(self, training: Training, part: str) -> tuple[Predictions, dict[str, float]]:
        predictions = training.predict(part)
        return predictions, finite(metrics(predictions, training.recipe.batch_size))

    def _keeper(self, training: Training, config: Config, key: Key) -> Keeper:
        """Return what keeps the training; it is continued only where all is the same that decides its end."""
        space, images = self.space, training.pieces[TRAINING].images
        decisive = [config.values, key, training.epochs, images.digest, images.shape, space.digest, space.source]
        until = [self.until] if self.until else []
        owner = canonical([*decisive, settings(space), torch.__version__, *until])
        return Keeper(self._place(key), owner, SAVE_EVERY)

    def _place(self, key: Key) -> Path:
        assert self.kept
        return self.kept / "-".join(map(str, key))

    def _forget(self, keys: Sequence[Key]) -> None:
        """Delete what was kept of the trainings, which are over."""
        if self.kept:
            for key in keys:
                self._place(key).unlink(missing_ok=True)
            with suppress(OSError):  # another evaluation has something there, or nothing was kept
                self.kept.rmdir()

    def _costs(self, config: Config, images: Images) -> dict[str, float]:
        def model() -> Any:
            return cost.on_meta(self.space.build, config.values, images.shape, len(images.classes))

        return {"params": float(cost.parameters(model())), "macs": cost.macs(model(), images.shape)}

"""How good is a saved configuration really? Retrain it on the whole training part, test it on what it never saw."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch

from nas.data import load as load_images
from nas.data.folds import splits
from nas.data.images import Images
from nas.spaces import Space
from nas.training import cost
from nas.training.fit import begin, mean
from nas.training.loop import predict
from nas.training.metrics import finite, metrics
from nas.types import Config

Progress = Callable[[Iterable[int]], Iterable[int]]


@dataclass(frozen=True)
class Evaluation:
    """Metrics on the named part, and how often each true class (row) was taken for each class (column)."""

    part: str
    metrics: dict[str, float]
    confusion: list[list[int]]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Evaluator:
    """What retraining needs besides a configuration."""

    space: Space
    data: str
    image_size: int | None
    device: str
    threads: int
    progress: Progress = lambda items: items

    def test(self, config: Config, epochs: int, seed: int) -> Evaluation:
        """Train on the whole training part and return the metrics of the test part, with parameters and MACs.

        Raises nas.Diverged for a loss that is not finite.
        """
        train, test = (self._load(part) for part in ("train", "test"))
        every = torch.arange(len(train))
        values, confusion = self._fit(config, train, every, test, torch.arange(len(test)), epochs, (seed, "final"))
        return Evaluation("test", {**values, **self._costs(config, train)}, confusion.tolist(), test.classes)

    def cross_validate(self, config: Config, epochs: int, seed: int, folds: int) -> Evaluation:
        """Return mean metrics over `folds` folds of the training part; the confusion counts are summed."""
        images = self._load("train")
        results = [
            self._fit(config, images, train, images, validation, epochs, (seed, "fold", i))
            for i, (train, validation) in enumerate(splits(images.labels, folds, seed, images.holdout))
        ]
        confusion = torch.stack([matrix for _, matrix in results]).sum(0).tolist()
        values = {**mean([values for values, _ in results]), **self._costs(config, images)}
        return Evaluation(f"{folds}-fold cross-validation", values, confusion, images.classes)

    def _load(self, part: str) -> Images:
        return load_images(self.data, part, self.image_size).to(self.device)

    def _fit(
        self,
        config: Config,
        images: Images,
        indices: torch.Tensor,
        judged: Images,
        judged_indices: torch.Tensor,
        epochs: int,
        key: tuple[int | str, ...],
    ) -> tuple[dict[str, float], torch.Tensor]:
        torch.set_num_threads(self.threads)
        fit = begin(self.space, config.values, images, indices, key, epochs, self.device)
        for epoch in self.progress(range(epochs)):
            fit.train(epoch, epoch + 1)
        predictions = predict(fit.model, judged, judged_indices, fit.recipe)
        return finite(metrics(predictions, fit.recipe.batch_size)), predictions.confusion().cpu()

    def _costs(self, config: Config, images: Images) -> dict[str, float]:
        def model() -> Any:
            return cost.on_meta(self.space.build, config.values, images.shape, len(images.classes))

        return {"params": float(cost.parameters(model())), "macs": cost.macs(model(), images.shape)}

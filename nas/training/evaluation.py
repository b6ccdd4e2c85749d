"""How good is a saved configuration really? Retrain it on the whole training part, test it on what it never saw."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch

from nas.core.types import Config
from nas.data import load as load_images
from nas.data.folds import splits
from nas.data.images import Images
from nas.data.parallel import spare
from nas.spaces.space import Space
from nas.training import cost
from nas.training.fit import Fit, begin, mean
from nas.training.loop import predict
from nas.training.metrics import Predictions, finite, metrics

Progress = Callable[[Iterable[int]], Iterable[int]]


@dataclass(frozen=True)
class Evaluation:
    """Metrics on the named part, and how often each true class (row) was taken for each class (column).

    Of a test also the trained network and what it predicted for each image.
    """

    part: str
    metrics: dict[str, float]
    confusion: list[list[int]]
    classes: tuple[str, ...]
    fit: Fit | None = None
    predictions: Predictions | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what evaluation.json keeps."""
        return {name: getattr(self, name) for name in ("part", "metrics", "confusion", "classes")}


@dataclass(frozen=True)
class Evaluator:
    """What retraining needs besides a configuration."""

    space: Space
    data: str
    image_size: int | None
    device: str
    threads: int
    progress: Progress = lambda items: items
    _parts: dict[str, Images] = field(default_factory=dict, repr=False)

    def images(self, part: str) -> Images:
        """Return the "train" or "test" part, on the device; read once."""
        if part not in self._parts:
            self._parts[part] = self._loaded(part).to(self.device)
        return self._parts[part]

    def _loaded(self, part: str) -> Images:
        return load_images(self.data, part, self.image_size, decoders=spare(1, self.threads))

    def test(self, config: Config, epochs: int, seed: int) -> Evaluation:
        """Train on the whole training part and return the metrics of the test part, with parameters and MACs.

        Raises nas.Diverged for a loss that is not finite.
        """
        train, test = self.images("train"), self.images("test")
        every = torch.arange(len(train))
        judged = (test, torch.arange(len(test)))
        values, predictions, fit = self._fit(config, train, every, *judged, epochs, (seed, "final"))
        confusion, values = predictions.confusion().tolist(), {**values, **self._costs(config, train)}
        return Evaluation("test", values, confusion, test.classes, fit, predictions)

    def cross_validate(self, config: Config, epochs: int, seed: int, folds: int) -> Evaluation:
        """Return mean metrics over `folds` folds of the training part; the confusion counts are summed."""
        images = self.images("train")
        results = [
            self._fit(config, images, train, images, validation, epochs, (seed, "fold", i))
            for i, (train, validation) in enumerate(splits(images.labels, folds, seed, images.holdout))
        ]
        confusion = torch.stack([predictions.confusion() for _, predictions, _ in results]).sum(0).tolist()
        values = {**mean([values for values, _, _ in results]), **self._costs(config, images)}
        return Evaluation(f"{folds}-fold cross-validation", values, confusion, images.classes)

    def _fit(
        self,
        config: Config,
        images: Images,
        indices: torch.Tensor,
        judged: Images,
        judged_indices: torch.Tensor,
        epochs: int,
        key: tuple[int | str, ...],
    ) -> tuple[dict[str, float], Predictions, Fit]:
        torch.set_num_threads(self.threads)
        fit = begin(self.space, config.values, images, indices, key, epochs, self.device)
        for epoch in self.progress(range(epochs)):
            fit.train(epoch, epoch + 1)
        predictions = predict(fit.model, judged, judged_indices, fit.recipe)
        return finite(metrics(predictions, fit.recipe.batch_size)), predictions, fit

    def _costs(self, config: Config, images: Images) -> dict[str, float]:
        def model() -> Any:
            return cost.on_meta(self.space.build, config.values, images.shape, len(images.classes))

        return {"params": float(cost.parameters(model())), "macs": cost.macs(model(), images.shape)}

"""How good are the predictions? Every metric of a whole validation or test set, from one confusion matrix."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from nas.core import parts
from nas.core.errors import Diverged
from nas.core.parts import Part

LOSS = "loss"  # the metric that tells of a network that has diverged


@dataclass(frozen=True)
class Predictions:
    """Logits, float [n, classes], and labels, int64 [n], of a whole set, on one device."""

    logits: Tensor
    labels: Tensor
    batch_size: int = 1  # of the training, which one metric goes by

    @property
    def classes(self) -> int:
        return self.logits.shape[1]

    @cached_property
    def confusion(self) -> Tensor:
        """Counts, int64 [true class, predicted class]."""
        cells = self.labels * self.classes + self.logits.argmax(1)
        return torch.bincount(cells, minlength=self.classes**2).reshape(self.classes, self.classes)

    @cached_property
    def precision(self) -> Tensor:
        """Of each class, float64 [classes]: which share of what was taken for it is of it; 0 where nothing was."""
        matrix = self.confusion.double()
        return ratio(matrix.diagonal(), matrix.sum(0))

    @cached_property
    def recall(self) -> Tensor:
        """Of each class, float64 [classes]: which share of it was found; 0 where there is none of it."""
        matrix = self.confusion.double()
        return ratio(matrix.diagonal(), matrix.sum(1))


@dataclass(frozen=True)
class Metric(Part):
    """What is measured of predictions. Averages over classes are macro averages: each class counts the same."""

    is_share: ClassVar[bool] = True  # whether it lies between 0 and 1

    def of(self, predictions: Predictions) -> Tensor:
        """Return the value, float64 []."""
        raise NotImplementedError


def metrics(predictions: Predictions, batch_size: int) -> dict[str, float]:
    """Return all metrics by name, of a network that was trained with batches of this size."""
    chosen = [parts.made("metric", name) for name in parts.names("metric")]
    judged = replace(predictions, batch_size=batch_size)  # one, whose confusion matrix is counted once
    values = torch.stack([metric.of(judged) for metric in chosen])
    return dict(zip((metric.name for metric in chosen), values.tolist(), strict=True))


def finite(values: dict[str, float]) -> dict[str, float]:
    """Return `values`. Raises Diverged when the loss is NaN or infinite: the weights are then."""
    if not math.isfinite(values[LOSS]):
        raise Diverged(f"the validation loss is {values[LOSS]}")
    return values


def mean(values: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each metric over folds."""
    return {name: sum(m[name] for m in values) / len(values) for name in values[0]}


def ratio(part: Tensor, whole: Tensor) -> Tensor:
    """Return part / whole, 0 where there is nothing to divide."""
    return torch.where(whole > 0, part / whole.clamp(min=1e-300), 0.0)

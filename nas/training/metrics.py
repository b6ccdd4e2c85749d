"""How good are the predictions? Every metric of a whole validation or test set, from one confusion matrix."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nas.core.errors import Diverged

# The metrics that training gives, larger being better but for the loss.
NAMES = ("accuracy", "top3_accuracy", "precision", "recall", "macro_f1", "loss", "batch_precision")


@dataclass(frozen=True)
class Predictions:
    """Logits, float [n, classes], and labels, int64 [n], of a whole set, on one device."""

    logits: Tensor
    labels: Tensor

    @property
    def classes(self) -> int:
        return self.logits.shape[1]

    def confusion(self) -> Tensor:
        """Return counts, int64 [true class, predicted class]."""
        cells = self.labels * self.classes + self.logits.argmax(1)
        return torch.bincount(cells, minlength=self.classes**2).reshape(self.classes, self.classes)


def metrics(predictions: Predictions, batch_size: int) -> dict[str, float]:
    """Return all of NAMES. Precision, recall and F1 are macro averages; a class never predicted counts as 0."""
    logits, labels = predictions.logits, predictions.labels
    matrix = predictions.confusion().double()
    hits = matrix.diagonal()
    precision, recall = _ratio(hits, matrix.sum(0)), _ratio(hits, matrix.sum(1))
    top = logits.topk(min(3, predictions.classes), dim=1).indices
    values = torch.stack(
        [
            hits.sum() / matrix.sum(),
            (top == labels[:, None]).any(1).double().mean(),
            precision.mean(),
            recall.mean(),
            _ratio(2 * precision * recall, precision + recall).mean(),
            torch.nn.functional.cross_entropy(logits, labels).double(),
            _batch_precision(predictions, batch_size),
        ]
    )
    return dict(zip(NAMES, values.tolist(), strict=True))


def finite(values: dict[str, float]) -> dict[str, float]:
    """Return `values`. Raises Diverged when the loss is NaN or infinite: the weights are then."""
    if not math.isfinite(values["loss"]):
        raise Diverged(f"the validation loss is {values['loss']}")
    return values


def mean(metrics: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each metric over folds."""
    return {name: sum(m[name] for m in metrics) / len(metrics) for name in metrics[0]}


def _batch_precision(predictions: Predictions, batch_size: int) -> Tensor:
    """Return the "precision" of the AutoML course project of 2021, to reproduce its tables and for nothing else.

    Per class and per batch of the class-sorted set, averaged over batches by their size. A batch of b images holds few
    of the classes and the absent ones count 0, so it is bounded by the batch size: 0.07 at 8, 0.71 at 280.
    """
    order = predictions.labels.argsort(stable=True)
    guesses, labels = predictions.logits.argmax(1)[order], predictions.labels[order]
    batch = torch.arange(len(labels), device=labels.device) // batch_size
    size = (int(batch[-1]) + 1) * predictions.classes
    cells = batch * predictions.classes + guesses
    guessed = torch.bincount(cells, minlength=size).double()
    right = torch.bincount(cells[guesses == labels], minlength=size).double()
    per_batch = _ratio(right, guessed).reshape(-1, predictions.classes).mean(1)
    weight = torch.bincount(batch).double() / len(labels)
    return (per_batch * weight).sum()


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole > 0, part / whole.clamp(min=1e-300), 0.0)

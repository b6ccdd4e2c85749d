"""What did the AutoML course project of 2021 call precision?"""

from dataclasses import dataclass

import torch
from torch import Tensor

from nas.core.parts import part
from nas.training.measuring import Metric, Predictions, ratio


@part("metric", "batch_precision")
@dataclass(frozen=True)
class BatchPrecision(Metric):
    """Precision by batches, to reproduce the tables of that course project and for nothing else.

    Per class and per batch of the class-sorted set, averaged over batches by their size. A batch of b images holds few
    of the classes and the absent ones count 0, so it is bounded by the batch size: 0.07 at 8, 0.71 at 280.
    """

    def of(self, predictions: Predictions) -> Tensor:
        """Return the value, float64 []."""
        order = predictions.labels.argsort(stable=True)
        guesses, labels = predictions.logits.argmax(1)[order], predictions.labels[order]
        batch = torch.arange(len(labels), device=labels.device) // predictions.batch_size
        size = (int(batch[-1]) + 1) * predictions.classes
        cells = batch * predictions.classes + guesses
        guessed = torch.bincount(cells, minlength=size).double()
        right = torch.bincount(cells[guesses == labels], minlength=size).double()
        per_batch = ratio(right, guessed).reshape(-1, predictions.classes).mean(1)
        weight = torch.bincount(batch).double() / len(labels)
        return (per_batch * weight).sum()

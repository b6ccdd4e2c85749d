"""Is the right class among the first three guesses?"""

from dataclasses import dataclass

from torch import Tensor

from nas.core.parts import part
from nas.training.measuring import Metric, Predictions


@part("metric", "top3_accuracy")
@dataclass(frozen=True)
class Top3Accuracy(Metric):
    """The share of images whose class is among the three likeliest."""

    def of(self, predictions: Predictions) -> Tensor:
        """Return the value, float64 []."""
        best = predictions.logits.topk(min(3, predictions.classes), dim=1).indices
        return (best == predictions.labels[:, None]).any(1).double().mean()

"""How many images are recognised?"""

from dataclasses import dataclass

from torch import Tensor

from nas.core.parts import part
from nas.training.measuring import Metric, Predictions


@part("metric", "accuracy")
@dataclass(frozen=True)
class Accuracy(Metric):
    """The share of images that are taken for what they are."""

    def of(self, predictions: Predictions) -> Tensor:
        """Return the value, float64 []."""
        matrix = predictions.confusion.double()
        return matrix.diagonal().sum() / matrix.sum()

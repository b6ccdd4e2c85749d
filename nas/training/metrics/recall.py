"""How much of a class is found?"""

from dataclasses import dataclass

from torch import Tensor

from nas.core.parts import part
from nas.training.measuring import Metric, Predictions


@part("metric", "recall")
@dataclass(frozen=True)
class Recall(Metric):
    """Recall, averaged over classes."""

    def of(self, predictions: Predictions) -> Tensor:
        """Return the value, float64 []."""
        return predictions.recall.mean()

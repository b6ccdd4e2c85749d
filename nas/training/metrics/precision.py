"""How much of what is taken for a class is of it?"""

from dataclasses import dataclass

from torch import Tensor

from nas.core.parts import part
from nas.training.measuring import Metric, Predictions


@part("metric", "precision")
@dataclass(frozen=True)
class Precision(Metric):
    """Precision, averaged over classes; a class that is never predicted counts as 0."""

    def of(self, predictions: Predictions) -> Tensor:
        """Return the value, float64 []."""
        return predictions.precision.mean()

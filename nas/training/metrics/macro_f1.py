"""How good are precision and recall together?"""

from dataclasses import dataclass

from torch import Tensor

from nas.core.parts import part
from nas.training.measuring import Metric, Predictions, ratio


@part("metric", "macro_f1")
@dataclass(frozen=True)
class MacroF1(Metric):
    """The harmonic mean of precision and recall, averaged over classes."""

    def of(self, predictions: Predictions) -> Tensor:
        """Return the value, float64 []."""
        precision, recall = predictions.precision, predictions.recall
        return ratio(2 * precision * recall, precision + recall).mean()

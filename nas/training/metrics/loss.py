"""How likely are the labels?"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from nas.core.parts import part
from nas.training.measuring import Metric, Predictions


@part("metric", "loss")
@dataclass(frozen=True)
class Loss(Metric):
    """Cross-entropy; less is better."""

    is_share: ClassVar[bool] = False

    def of(self, predictions: Predictions) -> Tensor:
        """Return the value, float64 []."""
        return functional.cross_entropy(predictions.logits, predictions.labels).double()

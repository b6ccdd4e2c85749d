"""Images as they are."""

from dataclasses import dataclass

from torch import Tensor

from nas.core.parts import part
from nas.training.augmenting import Augmentation


@part("augmentation", "none")
@dataclass(frozen=True)
class NoAugmentation(Augmentation):
    """Images are trained on as they are."""

    def of(self, pixels: Tensor) -> Tensor:
        """Return the images."""
        return pixels

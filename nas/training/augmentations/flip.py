"""Some images are seen in a mirror."""

from dataclasses import dataclass

import torch
from torch import Tensor

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.augmenting import Augmentation


@part("augmentation", "flip")
@dataclass(frozen=True)
class Flip(Augmentation):
    """Some images are turned left to right."""

    share: float = parameter(0.5, "of the images", least=0, most=1)

    def of(self, pixels: Tensor) -> Tensor:
        """Return the images, some of them turned."""
        turned = torch.rand(len(pixels), device=pixels.device) < self.share
        return torch.where(turned[:, None, None, None], pixels.flip(3), pixels)

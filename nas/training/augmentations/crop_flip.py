"""Images are moved a little and some are seen in a mirror: what most recipes for small images do."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.augmentations.flip import Flip
from nas.training.augmenting import Augmentation


@part("augmentation", "crop-flip")
@dataclass(frozen=True)
class CropFlip(Augmentation):
    """Images are moved up to an eighth of their side, black where they were not, and some are turned left to right.

    K. He et al., Deep Residual Learning for Image Recognition, CVPR 2016, section 4.2: 4 of 32 pixels.
    """

    share: float = parameter(0.125, "of a side that an image is moved at most", least=0, most=1)
    flips: float = parameter(0.5, "share of the images that are turned", least=0, most=1)

    def of(self, pixels: Tensor) -> Tensor:
        """Return the images, each moved by its own draw, some of them turned."""
        down, right = (self._moved(pixels, side) for side in pixels.shape[2:])
        rows, columns = down[:, None, :, None], right[:, None, None, :]
        margins = [round(self.share * side) for side in pixels.shape[2:]]
        framed = functional.pad(pixels, (margins[1], margins[1], margins[0], margins[0]))
        count, channels = pixels.shape[:2]
        images = torch.arange(count, device=pixels.device)[:, None, None, None]
        planes = torch.arange(channels, device=pixels.device)[None, :, None, None]
        return Flip(self.flips).of(framed[images, planes, rows, columns])

    def _moved(self, pixels: Tensor, side: int) -> Tensor:
        """Return which rows, or columns, of the framed image each image shows, int64 [n, side]."""
        moves = torch.randint(0, 2 * round(self.share * side) + 1, (len(pixels),), device=pixels.device)
        return moves[:, None] + torch.arange(side, device=pixels.device)

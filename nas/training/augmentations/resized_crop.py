"""A part of each image is seen in its place, larger, and some in a mirror: what most recipes for ImageNet do."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.augmentations.flip import Flip
from nas.training.augmenting import Augmentation

_ATTEMPTS = 10  # to draw a part that fits, then as much as there is


@part("augmentation", "resized-crop")
@dataclass(frozen=True)
class ResizedCrop(Augmentation):
    """A part of an image of random area and shape is enlarged to its size, and some are turned left to right.

    C. Szegedy et al., Going Deeper with Convolutions, CVPR 2015, section 6; as torchvision's RandomResizedCrop draws.
    Parts lie between pixels, too. They are cut from images that have the training's size already.
    """

    area: float = parameter(0.08, "the least share of an image that is seen", above=0, most=1)
    stretch: float = parameter(4 / 3, "the most that width is of height, or height of width", least=1)
    flips: float = parameter(0.5, "share of the images that are turned", least=0, most=1)

    def of(self, pixels: Tensor) -> Tensor:
        """Return the images, each a part of itself, some of them turned."""
        height, width = pixels.shape[2:]
        rows, columns = self._sides(len(pixels), height, width, pixels.device)
        down, right = ((1 - share) * (2 * torch.rand_like(share) - 1) for share in (rows, columns))
        nothing = torch.zeros_like(rows)
        places = torch.stack([columns, nothing, right, nothing, rows, down], 1).reshape(-1, 2, 3)
        grid = functional.affine_grid(places, list(pixels.shape), align_corners=False)
        # At a border the nearest pixel is all that there is.
        found = functional.grid_sample(pixels.float(), grid, padding_mode="border", align_corners=False)
        return Flip(self.flips).of(found.round().to(torch.uint8))

    def _sides(self, count: int, height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return which share of height and width each image is seen of, float32 [n]: of each the first that fits."""
        drawn = torch.rand(2, count, _ATTEMPTS, device=device)
        area = height * width * (self.area + (1 - self.area) * drawn[0])
        shape = ((2 * drawn[1] - 1) * math.log(self.stretch)).exp()  # width by height
        rows, columns = (area / shape).sqrt() / height, (area * shape).sqrt() / width
        fits = (rows <= 1) & (columns <= 1)
        first = fits.int().argmax(1, keepdim=True)
        most = min(1, width * self.stretch / height), min(1, height * self.stretch / width)
        return tuple(  # type: ignore[return-value]
            torch.where(fits.any(1), side.gather(1, first)[:, 0], whole)
            for side, whole in zip((rows, columns), most, strict=True)
        )

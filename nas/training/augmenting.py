"""What is an augmentation to a training? It changes the images of a batch, and its randomness is the training's."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nas.core.parts import Part
from nas.data.torchvision_compat import import_torchvision


@dataclass(frozen=True)
class Augmentation(Part):
    """What is done to the images of a batch, on the device that they lie on."""

    def of(self, pixels: Tensor) -> Tensor:
        """Return the images, uint8 [n, channels, height, width], of the same shape.

        What it draws comes from torch's global generator, which the training seeds and keeps.
        """
        raise NotImplementedError


def image_by_image(pixels: Tensor, name: str, **parameters: Any) -> Tensor:
    """Return the images, uint8 [n, channels, height, width], each changed by the transform of torchvision by this name.

    Images that are neither grey nor in colour are changed as so many grey ones, all in the same way.
    """
    import_torchvision()
    from torchvision.transforms import v2

    transform, in_colour = getattr(v2, name)(**parameters), pixels.shape[1] == 3
    changed = [transform(image if in_colour else image[:, None]) for image in pixels]
    return torch.stack(changed).reshape(pixels.shape)

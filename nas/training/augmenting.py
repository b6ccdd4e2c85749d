"""What is an augmentation to a training? It changes the images of a batch, and its randomness is the training's."""

from dataclasses import dataclass

from torch import Tensor

from nas.core.parts import Part


@dataclass(frozen=True)
class Augmentation(Part):
    """What is done to the images of a batch, on the device that they lie on."""

    def of(self, pixels: Tensor) -> Tensor:
        """Return the images, uint8 [n, channels, height, width], of the same shape.

        What it draws comes from torch's global generator, which the training seeds and keeps.
        """
        raise NotImplementedError

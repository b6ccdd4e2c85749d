"""One change drawn for each image, of any strength."""

from dataclasses import dataclass

from torch import Tensor

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.augmenting import Augmentation, image_by_image


@part("augmentation", "trivialaugment")
@dataclass(frozen=True)
class TrivialAugment(Augmentation):
    """Each image is changed in one way, and by as much, as is drawn for it: moved, turned, other colours, contrast.

    torchvision's TrivialAugmentWide, image by image. S. G. Müller and F. Hutter, TrivialAugment: Tuning-free Yet
    State-of-the-Art Data Augmentation, ICCV 2021.
    """

    num_magnitude_bins: int = parameter(31, "strengths that there are", least=2)

    def of(self, pixels: Tensor) -> Tensor:
        """Return the images, each changed by its own draw; black where they were not."""
        return image_by_image(pixels, "TrivialAugmentWide", **self.parameters())

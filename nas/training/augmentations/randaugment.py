"""A few changes drawn for each image, all of one strength."""

from dataclasses import dataclass

from torch import Tensor

from nas.core.errors import UserError
from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.augmenting import Augmentation, image_by_image


@part("augmentation", "randaugment")
@dataclass(frozen=True)
class RandAugment(Augmentation):
    """Each image is changed in a few ways that are drawn for it: moved, turned, sheared, other colours, contrast.

    torchvision's RandAugment, image by image. E. D. Cubuk et al., RandAugment: Practical Automated Data Augmentation
    with a Reduced Search Space, NeurIPS 2020.
    """

    num_ops: int = parameter(2, "changes of an image", least=0)
    magnitude: int = parameter(9, "how strong they are, a number of the bins counted from 0", least=0)
    num_magnitude_bins: int = parameter(31, "strengths that there are", least=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.magnitude >= self.num_magnitude_bins:
            raise UserError(f"magnitude is {self.magnitude}, but must be below the {self.num_magnitude_bins} bins")

    def of(self, pixels: Tensor) -> Tensor:
        """Return the images, each changed by its own draws; black where they were not."""
        return image_by_image(pixels, "RandAugment", **self.parameters())

"""What does a network see of a batch, and what is it to say of it? Where images are mixed, of two labels each."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Beta
from torch.nn import functional


@dataclass(frozen=True)
class Pairs:
    """Images, uint8 [n, channels, height, width], with their labels; mixed each with its image in `others`, if any.

    Of the first image and label a `share` is taken, and the rest of the second.
    """

    pixels: Tensor
    labels: Tensor
    others: "Pairs | None" = None
    share: float = 1.0

    def __len__(self) -> int:
        return len(self.labels)

    def parts(self, count: int) -> Iterator["Pairs"]:
        """Yield so many parts, which differ by one image at most."""
        others = [None] * count if self.others is None else self.others.parts(count)
        parts = self.pixels.tensor_split(count), self.labels.tensor_split(count), others
        for pixels, labels, other in zip(*parts, strict=True):
            yield Pairs(pixels, labels, other, self.share)

    def inputs(self, centred: bool) -> Tensor:
        """Return what the network sees, float32 [n, channels, height, width]."""
        found = scaled(self.pixels, centred)
        return found if self.others is None else found.lerp_(self.others.inputs(centred), 1 - self.share)

    def loss(self, logits: Tensor, label_smoothing: float) -> Tensor:
        """Return the mean cross-entropy, float32 []: of mixed labels the mean of that of both, by their shares."""
        found = functional.cross_entropy(logits, self.labels, label_smoothing=label_smoothing)
        if self.others is None:
            return found
        return found.lerp(self.others.loss(logits, label_smoothing), 1 - self.share)


def paired(pixels: Tensor, labels: Tensor, alpha: float | None) -> Pairs:
    """Return the batch; with an `alpha` each image with the one before, in one share for all, drawn by torch.

    H. Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018.
    """
    if alpha is None:
        return Pairs(pixels, labels)
    return Pairs(pixels, labels, Pairs(pixels.roll(1, 0), labels.roll(1, 0)), Beta(alpha, alpha).sample().item())


def scaled(pixels: Tensor, centred: bool) -> Tensor:
    """Return uint8 images as floats in -1 .. 1 or 0 .. 1, channels last where there are several."""
    values = pixels.to(memory_format=torch.channels_last).float()
    return values.mul_(2 / 255).sub_(1) if centred else values.div_(255)

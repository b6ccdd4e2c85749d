"""What was the mean loss of an epoch? That of the images of its steps, but for steps that were taken back."""

import math

import torch
from torch import Tensor

from nas.core.errors import Diverged


class Tally:
    """The losses of the epoch at hand, added up on `device`, and the means of those that are over."""

    def __init__(self, device: torch.device) -> None:
        self.means: list[float] = []
        self.device = device
        self.begin()

    def begin(self) -> None:
        """Begin an epoch."""
        self.total = torch.zeros((), device=self.device)  # float32 []
        self.seen = 0  # images

    def add(self, loss: Tensor, images: int) -> None:
        """Take in the mean loss of the images of a step."""
        self.total += loss * images
        self.seen += images

    def end(self) -> None:
        """Note the mean loss of the epoch. Raises Diverged for one that is not finite."""
        # Where all steps were taken back nothing was learned of the loss.
        mean = self.total.item() / self.seen if self.seen else (self.means or [math.nan])[-1]
        if not math.isfinite(mean):
            raise Diverged(f"the training loss is {mean}")
        self.means.append(mean)
        self.seen = 0

"""How does a network that was made for other images take those that there are? Channels, pixels and sizes fitted."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from nas.spaces.known import Shape
from nas.spaces.models.model import Normalisation


class Adapted(nn.Module):
    """Images [n, *shape] in -1..1 in, what the network makes of them out.

    Grey ones become as many channels as the network takes; of other channels it gets learned mixtures. Pixels are
    normalised as its weights were made, and images scaled to `size` pixels a side where that is given.
    """

    def __init__(
        self, network: nn.Module, shape: Shape, taken: int, normalisation: Normalisation | None, size: int | None
    ) -> None:
        super().__init__()
        channels, *sides = shape
        self.network, self.repeated, self.size = network, taken if channels == 1 else -1, size
        self.shrunk = size is not None and max(sides) > size
        self.mixtures = nn.Conv2d(channels, taken, 1) if channels not in (1, taken) else nn.Identity()
        self.normalised = normalisation is not None
        means, deviations = (torch.tensor(each) for each in normalisation or ((0.5,) * taken,) * 2)
        self.factor, self.summand = (  # pixels become (x / 2 + 1 / 2 - mean) / deviation
            nn.Buffer(value.reshape(-1, 1, 1), persistent=False)
            for value in (0.5 / deviations, (0.5 - means) / deviations)
        )

    def forward(self, images: Tensor) -> Tensor:
        images = self.mixtures(images).expand(-1, self.repeated, -1, -1)
        if self.normalised:
            images = images * self.factor + self.summand
        if self.size:
            images = functional.interpolate(images, (self.size, self.size), mode="bilinear", antialias=self.shrunk)
        logits: Tensor = self.network(images)
        return logits

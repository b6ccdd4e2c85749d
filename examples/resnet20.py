"""A space of one's own: residual networks for small images, K. He et al., CVPR 2016, section 4.2.

Three blocks a stage make ResNet-20. Rate and momentum are hyperparameters, for a training to begin where one likes.

    python -m nas.main --space examples/resnet20.py --data cifar10
"""

from collections.abc import Mapping
from typing import Any

import torch
from ConfigSpace import ConfigurationSpace, Float, Integer
from torch import Tensor, nn
from torch.nn import functional

TRAINER = {"learning_rate": "rate", "momentum": "momentum"}
RECIPE = {
    "batch_size": 128, "optimizer": "sgd", "weight_decay": 1e-4, "policy": "cosine", "augmentation": "crop-flip",
}  # fmt: skip
DEFAULT = {"blocks": 3, "rate": 0.1, "momentum": 0.9}
_WIDTHS = (16, 32, 64)


def space() -> ConfigurationSpace:
    """Return how many blocks a stage has, and where rate and momentum begin."""
    found = ConfigurationSpace(name="resnet")
    found.add(Integer("blocks", (1, 9), default=3), Float("rate", (1e-5, 10.0), log=True, default=0.1))
    found.add(Float("momentum", (0.0, 0.999), default=0.9))
    return found


class Block(nn.Module):
    """Two convolutions beside a way past them, which has no weights: images are thinned out, new channels are 0."""

    def __init__(self, channels: int, wide: int) -> None:
        super().__init__()
        self.stride, self.more = (1 if channels == wide else 2), wide - channels
        self.first = nn.Conv2d(channels, wide, 3, self.stride, padding=1, bias=False)
        self.second = nn.Conv2d(wide, wide, 3, padding=1, bias=False)
        self.first_norm, self.second_norm = nn.BatchNorm2d(wide), nn.BatchNorm2d(wide)

    def forward(self, images: Tensor) -> Tensor:
        past = functional.pad(images[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.more))
        inner = functional.relu(self.first_norm(self.first(images)))
        return functional.relu(past + self.second_norm(self.second(inner)))


def build(config: Mapping[str, Any], input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """Return the network: images [n, *input_shape] in, logits [n, num_classes] out."""
    channels = _WIDTHS[0]
    layers: list[nn.Module] = [nn.Conv2d(input_shape[0], channels, 3, padding=1, bias=False)]
    layers += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
    for wide in _WIDTHS:
        for _ in range(config["blocks"]):
            layers.append(Block(channels, wide))
            channels = wide
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes))


if __name__ == "__main__":
    with torch.device("meta"):
        model = build(DEFAULT, (3, 32, 32), 10)
    print(f"ResNet-20: {sum(weight.numel() for weight in model.parameters()):,} parameters")

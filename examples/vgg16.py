"""A space of one's own: VGG networks for small images, K. Simonyan and A. Zisserman, ICLR 2015.

The recipe is that of docs/learning-rates.md: batches of 128, SGD with momentum 0.9, weight decay 5e-4. Images are moved
and mirrored, as is usual for these.

    python -m nas.main --space examples/vgg16.py --data cifar10
"""

from collections.abc import Mapping
from typing import Any

import torch
from ConfigSpace import Categorical, ConfigurationSpace
from torch import nn

RECIPE = {
    "learning_rate": 0.1, "batch_size": 128, "optimizer": "sgd", "momentum": 0.9, "weight_decay": 5e-4,
    "policy": "cosine", "augmentation": "crop-flip",
}  # fmt: skip
DEFAULT = {"depth": 16, "batch_norm": True}
_WIDTHS = (64, 128, 256, 512, 512)
_LAYERS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # of each width


def space() -> ConfigurationSpace:
    """Return the four depths, with and without batch normalisation."""
    found = ConfigurationSpace(name="vgg")
    found.add(Categorical("depth", [*_LAYERS], default=16), Categorical("batch_norm", [True, False], default=True))
    return found


def build(config: Mapping[str, Any], input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """Return the network: images [n, *input_shape] in, logits [n, num_classes] out.

    A single linear layer follows the convolutions: images of 32 pixels a side are a single pixel by then. Smaller ones
    are no longer halved once they are.
    """
    channels, height, width = input_shape
    layers = list[nn.Module]()
    for wide, count in zip(_WIDTHS, _LAYERS[config["depth"]], strict=True):
        for _ in range(count):
            layers.append(nn.Conv2d(channels, wide, 3, padding=1, bias=not config["batch_norm"]))
            layers += [nn.BatchNorm2d(wide)] if config["batch_norm"] else []
            layers.append(nn.ReLU(inplace=True))
            channels = wide
        if min(height, width) > 1:
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes))


if __name__ == "__main__":
    with torch.device("meta"):
        model = build(DEFAULT, (3, 32, 32), 10)
    print(f"VGG16: {sum(weight.numel() for weight in model.parameters()):,} parameters")

"""Which networks are searched: one to three convolutions, one to three hidden linear layers, 14 hyperparameters.

The space of the constrained flower-classification task of the AutoML course project (SS 2021), with its default
configuration. Layers beyond `n_conv_layers` and `n_fc_layers` are inactive.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    Float,
    GreaterThanCondition,
    Integer,
    OrdinalHyperparameter,
)
from torch import nn

TRAINER = {"learning_rate": "learning_rate_init", "batch_size": "batch_size"}

DEFAULT = {
    "learning_rate_init": 0.0016651181400389517,
    "batch_size": 290,
    "kernel_size": 5,
    "use_BN": False,
    "global_avg_pooling": True,
    "dropout_rate": 0.2,
    "n_conv_layers": 3,
    "n_channels_conv_0": 457,
    "n_channels_conv_1": 511,
    "n_channels_conv_2": 38,
    "n_fc_layers": 2,
    "n_channels_fc_0": 27,
    "n_channels_fc_1": 17,
}


def space() -> ConfigurationSpace:
    """Return the conditional space: layer i of a kind is active when the network has more than i layers of it."""
    result = ConfigurationSpace(name="cnn")
    depth_conv = Integer("n_conv_layers", (1, 3), default=3)
    depth_fc = Integer("n_fc_layers", (1, 3), default=3)
    conv = [Integer(f"n_channels_conv_{i}", (16, 1024), log=True, default=512) for i in range(3)]
    fc = [Integer(f"n_channels_fc_{i}", (4, 512), log=True, default=256) for i in range(3)]
    result.add(
        Float("learning_rate_init", (1e-5, 0.1), log=True, default=0.01),
        Integer("batch_size", (4, 300), log=True, default=16),
        OrdinalHyperparameter("kernel_size", [3, 5, 7]),
        Categorical("use_BN", [True, False], default=True),
        Categorical("global_avg_pooling", [True, False], default=True),
        Float("dropout_rate", (0.01, 0.5), log=True, default=0.2),
        depth_conv,
        depth_fc,
        *conv,
        *fc,
    )
    for layers, depth in ((conv, depth_conv), (fc, depth_fc)):
        result.add(*(GreaterThanCondition(layers[i], depth, i) for i in (1, 2)))
    return result


def build(config: Mapping[str, Any], input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """Return the network of `config`: images [n, *input_shape] in, logits [n, num_classes] out.

    A block is convolution, ReLU, batch normalisation, 2x2 pooling; pooling is left out once a side is a single pixel,
    so any input size works.
    """
    channels, height, width = input_shape
    kernel, layers = config["kernel_size"], list[nn.Module]()
    for i in range(config["n_conv_layers"]):
        out = config[f"n_channels_conv_{i}"]
        layers += [nn.Conv2d(channels, out, kernel, padding=kernel // 2), nn.ReLU()]
        if config["use_BN"]:
            layers.append(nn.BatchNorm2d(out))
        if min(height, width) > 1:
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        channels = out
    if config["global_avg_pooling"]:
        layers.append(nn.AdaptiveAvgPool2d(1))
        height = width = 1
    layers.append(nn.Flatten())
    sizes = [channels * height * width, *(config[f"n_channels_fc_{i}"] for i in range(config["n_fc_layers"]))]
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(config["dropout_rate"])]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], num_classes))

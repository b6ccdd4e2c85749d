"""Which small networks are trained in a second? One or two convolutions, by SGD or Adam: eight hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition, Float, GreaterThanCondition, Integer
from torch import nn

DEFAULT = {
    "batch": 32, "decay": 1e-4, "depth": 1, "dropout": 0.2, "momentum": 0.9, "optimizer": "sgd", "rate": 0.01,
    "width_0": 16,
}  # fmt: skip
TRAINER = {
    "learning_rate": "rate", "batch_size": "batch", "weight_decay": "decay", "optimizer": "optimizer",
    "momentum": "momentum",
}  # fmt: skip


def space() -> ConfigurationSpace:
    found = ConfigurationSpace(name="small images")
    depth, second = Integer("depth", (1, 2)), Integer("width_1", (4, 32), log=True)
    optimizer, momentum = Categorical("optimizer", ["sgd", "adam"]), Float("momentum", (0.0, 0.99))
    found.add(
        Integer("batch", (8, 128), log=True), Float("decay", (1e-6, 1e-2), log=True), depth, second, optimizer,
        momentum, Float("dropout", (0.0, 0.6)), Float("rate", (1e-4, 1.0), log=True),
        Integer("width_0", (4, 32), log=True),
        GreaterThanCondition(second, depth, 1), EqualsCondition(momentum, optimizer, "sgd"),
    )  # fmt: skip
    return found


def build(config: Mapping[str, Any], input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    (channels, side, _), layers = input_shape, list[nn.Module]()
    for i in range(config["depth"]):
        layers += [nn.Conv2d(channels, config[f"width_{i}"], 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels, side = config[f"width_{i}"], side // 2
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Dropout(config["dropout"]), nn.Linear(channels * side**2, num_classes)
    )

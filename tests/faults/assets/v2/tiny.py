"""Which networks do the runs of a former version search? Tiny ones, in double precision: all processors agree."""

from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition, Float, Integer
from torch import Tensor, nn

DEFAULT = {"channels": 2, "width": 5, "kind": "batch", "rate": 0.01, "batch": 128}
TRAINER = {"learning_rate": "rate", "batch_size": "batch"}
RECIPE = {"label_smoothing": 0.1}


class Double(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.double()


def space() -> ConfigurationSpace:
    found = ConfigurationSpace(name="tiny")
    kind, dropout = Categorical("kind", ["batch", "dropout"]), Float("dropout", (0.05, 0.4))
    found.add(Integer("channels", (1, 2)), Integer("width", (4, 6)), kind, dropout)
    found.add(Float("rate", (1e-3, 1e-1), log=True), Integer("batch", (64, 256), log=True))
    found.add(EqualsCondition(dropout, kind, "dropout"))
    return found


def build(config: dict, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    (channels, height, width), out = input_shape, config["channels"]
    layers = [Double(), nn.Conv2d(channels, out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.BatchNorm2d(out)] if config["kind"] == "batch" else [nn.Dropout(config["dropout"])]
    hidden = nn.Linear(out * (height // 2) * (width // 2), config["width"])
    return nn.Sequential(*layers, nn.Flatten(), hidden, nn.ReLU(), nn.Linear(config["width"], num_classes)).double()

"""One real search that several files of tests look at: small convolutional networks on digits-m, resized to 12x12."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PIL import Image

from nas.data import load
from nas.main import main
from nas.runs import saved
from nas.spaces.space import load as load_space
from nas.training.evaluation import Evaluation, Evaluator

SMALL = """
from ConfigSpace import Categorical, ConfigurationSpace, Float, GreaterThanCondition, Integer
from torch import nn

DEFAULT = {"depth": 1, "width_0": 8, "norm": True, "rate": 0.01}
TRAINER = {"learning_rate": "rate"}
RECIPE = {"centred": False}


def space():
    found = ConfigurationSpace()
    depth, second = Integer("depth", (1, 2)), Integer("width_1", (4, 16), log=True)
    found.add(depth, Integer("width_0", (4, 16), log=True), second, Categorical("norm", [True, False]))
    found.add(Float("rate", (1e-3, 1e-1), log=True), GreaterThanCondition(second, depth, 1))
    return found


def build(config, input_shape, num_classes):
    (channels, side, _), layers = input_shape, []
    for i in range(config["depth"]):
        width = config[f"width_{i}"]
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        layers += [nn.BatchNorm2d(width)] if config["norm"] else []
        channels, side = width, side // 2
    hidden = nn.Linear(channels * side**2, 64)
    return nn.Sequential(*layers, nn.Flatten(), hidden, nn.Dropout(0.2), nn.Linear(64, num_classes))
"""
SEARCH = (
    "--data", "digits-m", "--image-size", "12", "--epochs", "3", "--min-epochs", "1", "--eta", "2", "--folds", "1",
    "--workers", "0", "--max-trials", "24", "--seed", "5", "--min-precision", "0.3", "--max-macs", "none", "--quiet",
)  # fmt: skip


@dataclass(frozen=True)
class Winner:
    """The run, its winner as ONNX, what the retraining of its incumbent predicts, and the test part as files."""

    run: Path
    onnx: Path
    tested: Evaluation
    images: tuple[Path, ...]


@pytest.fixture(scope="session")
def winner(tmp_path_factory: pytest.TempPathFactory) -> Winner:
    folder = tmp_path_factory.mktemp("winner")
    (folder / "small.py").write_text(SMALL)
    run = folder / "run"
    assert main(["--space", str(folder / "small.py"), "--run-dir", str(folder), "--name", "run", *SEARCH]) == 0
    assert main(["export", str(run), "--format", "onnx"]) == 0
    best = saved.read(run / "best.json")
    space = load_space(best.space)
    evaluator = Evaluator(replace(space, recipe=best.recipe), best.data, best.image_size, "cpu", 1)
    tested = evaluator.test(space.config(best.config, "best.json"), best.epochs, best.seed)
    return Winner(run, run / "best.onnx", tested, written(folder / "images", "digits-m"))


def written(folder: Path, data: str) -> tuple[Path, ...]:
    """Write the test part as image files."""
    folder.mkdir()
    images = load(data, "test")
    assert images.pixels is not None
    paths = tuple(folder / f"{i:03}.png" for i in range(len(images)))
    for path, pixels in zip(paths, images.pixels, strict=True):
        Image.fromarray(pixels.permute(1, 2, 0).squeeze(2).numpy()).save(path)
    return paths

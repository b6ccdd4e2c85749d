"""Which small networks learn what, in a minute? Six tasks on which learning rates are compared at equal total steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from ConfigSpace import ConfigurationSpace
from torch import nn

from nas.core.errors import Diverged
from nas.data import load
from nas.data.images import Images
from nas.spaces.space import Space
from nas.training.pieces import TEST, TRAINING, VALIDATION, Piece
from nas.training.training import Training

BATCH, _SUBSET = 64, 6000  # images of a step, and of Fashion-MNIST that are trained on


def mlp(config: Mapping[str, Any], shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Return a layer of 128 hyperbolic tangents, and one of the classes."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], 128), nn.Tanh(), nn.Linear(128, classes)
    )


def cnn(config: Mapping[str, Any], shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Return two convolutions without normalisation, and a layer of the classes."""
    return nn.Sequential(*_convolution(shape[0], 16), *_convolution(16, 32), *_classes(32, shape, classes))


def normalised(config: Mapping[str, Any], shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Return the same with batch normalisation."""
    return nn.Sequential(
        *_convolution(shape[0], 16, nn.BatchNorm2d(16)), *_convolution(16, 32, nn.BatchNorm2d(32)),
        *_classes(32, shape, classes),
    )  # fmt: skip


def _convolution(before: int, after: int, *then: nn.Module) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1, bias=not then), *then, nn.ReLU(), nn.MaxPool2d(2)]


def _classes(channels: int, shape: tuple[int, int, int], classes: int) -> list[nn.Module]:
    return [nn.Flatten(), nn.Linear(channels * (shape[1] // 4) * (shape[2] // 4), classes)]


@dataclass(frozen=True)
class Learner:
    """A network and its images; `steps` are those of a whole training, all that are tried included."""

    data: str
    build: Callable[..., nn.Module]
    steps: int


LEARNERS: Mapping[str, Learner] = {
    "digits MLP": Learner("digits", mlp, 1200),
    "digits CNN": Learner("digits", cnn, 800),
    "Fashion-MNIST CNN": Learner("fashion-mnist", normalised, 900),
}


@dataclass(frozen=True)
class Outcome:
    """Percent of the validation and test images that were told right, and the training that got there.

    None of both where it diverged.
    """

    validation: float | None
    test: float | None
    training: Training


def trained(name: str, recipe: Mapping[str, Any], seed: int, times: float = 1.0) -> Outcome:
    """Return what came of a training of the learner `name` by the settings of `recipe`, `times` as long as usual.

    A fifth of the training part, drawn by `seed`, is for validation.
    """
    learner = LEARNERS[name]
    pieces = _pieces(learner.data, seed)
    space = Space(name, ConfigurationSpace(), learner.build, {}, recipe={"batch_size": BATCH, **recipe})
    steps_per_epoch = -(-len(pieces[TRAINING]) // BATCH)
    epochs = round(times * learner.steps / steps_per_epoch)
    training = Training.begin(space, {}, pieces, (seed, "rates"), epochs)
    try:
        for batch in training.batches(epochs * training.steps_per_epoch):
            training.step(batch)
        validation, test = (100 * training.validate(part)["accuracy"] for part in (VALIDATION, TEST))
    except Diverged:
        return Outcome(None, None, training)
    return Outcome(validation, test, training)


@cache
def _images(data: str, part: str) -> Images:
    return load(data, part, 14 if data == "fashion-mnist" else None)


def _pieces(data: str, seed: int) -> dict[str, Piece]:
    images, test = _images(data, "train"), _images(data, "test")
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[: _SUBSET * 5 // 4]
    cut = len(order) // 5
    return {
        TRAINING: Piece(images, order[cut:]),
        VALIDATION: Piece(images, order[:cut]),
        TEST: Piece(test, torch.arange(len(test))),
    }

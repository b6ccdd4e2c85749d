"""The networks of the examples are those of their papers, take images of any size, and train by their recipes."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import nn

from nas.data.images import resident
from nas.spaces.space import load
from nas.training import cost
from nas.training.pieces import Piece
from nas.training.recipe import check
from nas.training.training import Training


@pytest.mark.parametrize(("blocks", "millions"), [(3, 0.27), (5, 0.46), (7, 0.66), (9, 0.85)])
def test_residual_networks_have_as_many_parameters_as_in_the_paper(blocks: int, millions: float) -> None:
    """Table 6 of He et al., for 20, 32, 44 and 56 layers."""
    model = on_meta("resnet20", {"blocks": blocks, "rate": 0.1, "momentum": 0.9})
    assert round(cost.parameters(model) / 1e6, 2) == millions


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_a_vgg_network_has_as_many_layers_as_its_name_says_but_for_two_linear_ones(depth: int) -> None:
    model = on_meta("vgg16", {"depth": depth, "batch_norm": True})
    assert sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in model.modules()) == depth - 2


def on_meta(name: str, config: Mapping[str, Any]) -> nn.Module:
    """Return the network for images of CIFAR-10, without memory."""
    space = load(f"examples/{name}.py")
    check(space)
    return cost.on_meta(space.build, space.config(config, "here").values, (3, 32, 32), 10)


@pytest.mark.parametrize(("name", "smallest"), [
    ("resnet20", {"blocks": 1, "rate": 0.1, "momentum": 0.9}), ("vgg16", {"depth": 11, "batch_norm": True}),
])  # fmt: skip
def test_they_train_a_step_on_tiny_images(name: str, smallest: dict[str, Any]) -> None:
    space = load(f"examples/{name}.py")
    pixels = torch.randint(256, (8, 1, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images = resident("tiny", "train", ("a", "b"), pixels, torch.arange(8) % 2)
    training = Training.begin(space, smallest, {"training": Piece(images, torch.arange(8))}, (0,), 2)
    before = [weight.clone() for weight in training.model.parameters()]
    for batch in training.batches(1):
        loss = training.step(batch)
    assert torch.isfinite(loss) and training.position == 1
    moved = [not torch.equal(old, new) for old, new in zip(before, training.model.parameters(), strict=True)]
    assert all(moved)

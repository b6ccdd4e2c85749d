"""What a network costs is known exactly, without training it and without its memory."""

import csv
import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nas.training import cost
from search_spaces import cnn

LOGGED = Path(__file__).parents[2].parent / "shared/data/reference_runs/evaluations.csv"
SHAPE = (3, 16, 16)


def samples(count: int) -> list[dict[str, Any]]:
    space = cnn.space()
    space.seed(0)
    return [dict(config) for config in space.sample_configuration(count)]


def parsed(name: str, text: str) -> Any:
    if text in ("True", "False"):
        return text == "True"
    return float(text) if name in ("learning_rate_init", "dropout_rate") else int(text)


@pytest.mark.skipif(not LOGGED.exists(), reason="the logged evaluations of the reference are not here")
def test_parameter_counts_equal_all_those_the_reference_logged() -> None:
    names, rows = list(cnn.space()), list(csv.DictReader(LOGGED.open()))
    assert len(rows) == 8162
    for row in rows:
        config = {name: parsed(name, row[name]) for name in names if row[name]}
        assert cost.parameters(cost.on_meta(cnn.build, config, SHAPE, 17)) == int(row["num_params"]), row


def test_thop_and_torch_agree_on_the_multiply_accumulates_of_the_space() -> None:
    for config in [dict(cnn.DEFAULT), *samples(40)]:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            cost.on_meta(cnn.build, config, SHAPE, 10)(torch.empty(1, *SHAPE, device="meta"))
        torch_count = counter.get_total_flops() / 2
        ours = cost.macs(cost.on_meta(cnn.build, config, SHAPE, 10), SHAPE)
        assert torch_count <= ours <= 1.1 * torch_count + 1e5, config  # thop counts normalisation and pooling, too


def test_functional_calls_that_thop_does_not_see_are_counted() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.empty(8, 3, 3, 3))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return nn.functional.conv2d(images, self.weight, padding=1).mean((2, 3))

    def build(config: dict[str, Any], shape: cost.Shape, classes: int) -> nn.Module:
        return Functional()

    assert cost.macs(cost.on_meta(build, {}, SHAPE, 8), SHAPE) == pytest.approx(8 * 27 * 256)


def test_a_network_of_a_hundred_million_parameters_takes_no_memory_to_count() -> None:
    config = dict(cnn.DEFAULT) | {
        "kernel_size": 7, "n_channels_conv_0": 1024, "n_channels_conv_1": 1024, "n_channels_conv_2": 1024,
    }  # fmt: skip
    cost.macs(cost.on_meta(cnn.build, config, SHAPE, 10), SHAPE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = cost.on_meta(cnn.build, config, SHAPE, 10)
    assert cost.parameters(model) > 1e8
    assert cost.macs(model, SHAPE) > 1e9
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50e3  # kilobytes; the weights are 400 MB


def test_a_bigger_network_is_slower() -> None:
    small = dict(cnn.DEFAULT) | {"n_conv_layers": 1, "n_channels_conv_0": 16, "kernel_size": 3}
    cpu = torch.device("cpu")
    times = [cost.latency_ms(cnn.build(config, SHAPE, 10), SHAPE, cpu) for config in (small, cnn.DEFAULT)]
    assert 0 < times[0] < times[1]

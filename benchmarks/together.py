"""What do several processes cost, and what do they bring? Images a second of one process alone, then of all together.

    torchrun --nproc-per-node 2 -m benchmarks.together [--device cuda] [--width 64] [--side 32] [--batch-size 256]

The first process trains alone while the others wait, which take nothing meanwhile; then all train at the same
`batch_size`. Each has one thread. The network is three convolutions with batch normalisation, of `width` channels.
"""

import argparse
import time

import torch
from ConfigSpace import ConfigurationSpace
from torch import nn

from nas.data.images import resident
from nas.spaces.space import Space
from nas.training import together
from nas.training.pieces import Piece
from nas.training.training import Training

_WARM, _STEPS = 2, 8


def speed(width: int, side: int, batch_size: int, device: str) -> tuple[float, float]:
    """Return how many images a second are trained on, of all processes, and how many a second of this one's CPU time.

    The latter does not depend on what else the machine does.
    """
    torch.set_num_threads(1)

    def build(config: object, shape: tuple[int, int, int], classes: int) -> nn.Module:
        layers, channels = list[nn.Module](), shape[0]
        for _ in range(3):
            layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))

    count = batch_size * (_WARM + _STEPS)
    pixels = torch.randint(256, (count, 3, side, side), dtype=torch.uint8)
    images = resident("random", "train", ("a", "b"), pixels, torch.arange(count) % 2).to(device)
    space = Space("plain", ConfigurationSpace(), build, {}, recipe={"optimizer": "sgd", "batch_size": batch_size})
    training = Training.begin(space, {}, {"training": Piece(images, torch.arange(count))}, (0,), 1, device)
    for batch in training.batches(count // batch_size):
        if training.position == _WARM:
            _wait_for(device)
            begun, spent = time.perf_counter(), time.process_time()
        training.step(batch)
    _wait_for(device)
    trained = batch_size * _STEPS
    return trained / (time.perf_counter() - begun), trained / (time.process_time() - spent)


def _wait_for(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    """Print both, and the share of the ideal that is reached."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    for name, value in (("width", 64), ("side", 32), ("batch-size", 256)):
        parser.add_argument(f"--{name}", type=int, default=value)
    asked = parser.parse_args()
    processes, settings = together.begin(asked.device), (asked.width, asked.side, asked.batch_size, asked.device)
    if not processes.first:
        processes.follow()
        return
    try:
        alone = speed(*settings)
        shared = processes.call(speed, *settings)
    finally:
        processes.dismiss()
    for kind, one, all_together in zip(("second", "CPU second of one"), alone, shared, strict=True):
        times = all_together / one
        print(f"images a {kind}: {one:.0f} alone, {all_together:.0f} by {processes.count} together, {times:.2f} times")


if __name__ == "__main__":
    from benchmarks import together as module  # what is sent to the others is a function of it by its name

    module.main()

"""python -m benchmarks.hyper_cost: what does a step cost that learns its rate, in time and memory?

A network of 8.5 million weights, batch 64, one thread. Every optimizer steps in turns with the others in one process,
so that what else the machine does falls on all alike; time is the processor's. Memory is measured in a process of its
own.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from benchmarks.command import run
from nas.training.optimizers import hyper

SIZES = (784, 2048, 2048, 1024, 512, 10)
STEPS, WARM = 30, 3
Make = Callable[[list[nn.Parameter]], torch.optim.Optimizer]
KINDS: dict[str, Make] = {
    "torch Adam, foreach": lambda weights: torch.optim.Adam(weights, foreach=True),
    "torch Adam, fused": lambda weights: torch.optim.Adam(weights, fused=True),
    "Adam, rate, unguarded": lambda weights: hyper.Adam(weights, tower="sgd:1e-5", guarded=False),
    "Adam, rate": lambda weights: hyper.Adam(weights),
    "Adam, rate, height 5": lambda weights: hyper.Adam(weights, tower="/".join(["adam:0.1"] * 5)),
    "Adam, rate, height 50": lambda weights: hyper.Adam(weights, tower="/".join(["adam:0.1"] * 50)),
    "Adam, rate and betas": lambda weights: hyper.Adam(weights, learn="all"),
    "torch SGD momentum, foreach": lambda weights: torch.optim.SGD(weights, momentum=0.9, foreach=True),
    "torch SGD momentum, fused": lambda weights: torch.optim.SGD(weights, momentum=0.9, fused=True),
    "SGD momentum, rate, unguarded": lambda weights: hyper.SGD(weights, momentum=0.9, tower="sgd:1e-5", guarded=False),
    "SGD momentum, rate": lambda weights: hyper.SGD(weights, momentum=0.9),
    "SGD momentum, rate and momentum": lambda weights: hyper.SGD(weights, momentum=0.9, learn="all"),
}


class Loop:
    """A network in training by one optimizer."""

    def __init__(self, kind: str) -> None:
        torch.manual_seed(0)
        layers = [layer for pair in pairwise(SIZES) for layer in (nn.Linear(*pair), nn.Tanh())]
        self.model = nn.Sequential(*layers[:-1])
        self.optimizer = KINDS[kind](list(self.model.parameters()))
        self.pixels, self.labels = torch.randn(64, SIZES[0]), torch.randint(10, (64,))

    def step(self) -> tuple[float, float]:
        """Return the milliseconds of the optimizer's step, and of all."""
        began = time.process_time()
        self.optimizer.zero_grad()
        functional.cross_entropy(self.model(self.pixels), self.labels).backward()  # type: ignore[no-untyped-call]
        half = time.process_time()
        self.optimizer.step()
        ended = time.process_time()
        return 1000 * (ended - half), 1000 * (ended - began)


def peak(kind: str) -> float:
    """Return by how many megabytes a process grows in training beyond what its network took."""
    command = [sys.executable, "-m", "benchmarks.hyper_cost", "--peak", kind]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def grown(kind: str) -> float:
    loop = Loop(kind)
    before = _resident("VmRSS")
    for _ in range(8):
        loop.step()
    return _resident("VmHWM") - before


def _resident(name: str) -> float:
    """Return what Linux says of the memory of this process, in megabytes; VmHWM is the most it has had."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[name].split()[0]) * 1024 / 1e6


def state(loop: Loop) -> int:
    """Return how many tensors of state the optimizer has for a weight, those of a single number aside."""
    kept = next(iter(loop.optimizer.state.values()))
    return sum(isinstance(each, torch.Tensor) and each.numel() > 1 for each in kept.values())


def rows(steps: int) -> list[str]:
    """Return the table as lines of Markdown: medians, and ratios to torch's foreach."""
    loops = {kind: Loop(kind) for kind in KINDS}
    times: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    for number in range(steps + WARM):
        for kind, loop in loops.items():
            found = loop.step()
            if number >= WARM:
                times[kind].append(found)
    medians = {
        kind: [statistics.median(column) for column in zip(*found, strict=True)] for kind, found in times.items()
    }
    peaks = {kind: peak(kind) for kind in KINDS}
    lines = [
        "| optimizer | step, ms | to foreach | with gradients, ms | peak, MB | to foreach | tensors of state |",
        "|---" * 7 + "|",
    ]
    for kind, (own, whole) in medians.items():
        to = "torch Adam, foreach" if "Adam" in kind else "torch SGD momentum, foreach"
        ratio = statistics.median(mine[0] / theirs[0] for mine, theirs in zip(times[kind], times[to], strict=True))
        lines.append(
            f"| {kind} | {own:.1f} | {ratio:.2f} | {whole:.1f} | {peaks[kind]:.0f} | {peaks[kind] / peaks[to]:.2f} "
            f"| {state(loops[kind])} |"
        )
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="five steps of each")
    parser.add_argument("--peak", choices=KINDS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.peak:
        print(grown(asked.peak))
        return 0
    print("\n".join(rows(5 if asked.quick else STEPS)))
    return 0


if __name__ == "__main__":
    run(main)

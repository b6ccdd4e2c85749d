"""python -m benchmarks.memory: how much memory does a worker need at most, and does the engine grow with its trials?

The peak of a process of its own each. Networks train for an epoch on digits-m, images of 3 x 16 x 16. The largest is
that of 2,000 random configurations of the space cnn with at most --max-params parameters whose training holds most.
"""

import argparse
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

from rich.table import Table

import nas
from benchmarks.command import growing, run
from benchmarks.processes import alone
from benchmarks.scaling import FULL, nothing, peak_megabytes, space
from nas.cli.flags import value
from nas.core.errors import UserError
from nas.core.units import positive

TRIALS = (100, 1000, 10_000)
SHAPE = (3, 16, 16)
FOLDS = 3


def training(config: dict[str, Any], folds: int) -> None:
    """Train the network of `config` for an epoch in so many folds, as a worker does: one after the other."""
    import torch

    from nas.training.task import ImageTask

    torch.set_num_threads(1)
    task = ImageTask("digits-m", None, "cnn", folds, 0, 1, "cpu", 1)
    with tempfile.TemporaryDirectory() as folder:
        task(config, epochs=1, start=0, seed=0, checkpoint=Path(folder) / "state")


def searching(trials: int, strategy: str) -> None:
    """Search with an objective that costs nothing."""
    nas.search(space(), nothing, max_trials=trials, **{**FULL, "strategy": strategy})


def held(config: dict[str, Any]) -> tuple[float, int]:
    """Return about how many bytes a training step holds, and the parameters of the network.

    That is what all layers put out for a batch, and each weight with its gradient and its optimizer's two moments.
    """
    import torch

    from nas.training import cost
    from search_spaces import cnn

    model, outputs = cost.on_meta(cnn.build, config, SHAPE, 10), list[int]()
    for layer in model.modules():
        if not list(layer.children()):
            layer.register_forward_hook(lambda _layer, _images, output: outputs.append(output.numel()))
    model(torch.empty(config["batch_size"], *SHAPE, device="meta"))
    parameters = cost.parameters(model)
    return 4.0 * (sum(outputs) + 4 * parameters), parameters


def largest(max_params: float) -> tuple[dict[str, Any], int]:
    """Return that of many random configurations within the bound whose training holds most, and its parameters.

    Raises UserError where none is within it.
    """
    from search_spaces import cnn

    drawn = cnn.space()
    drawn.seed(0)
    sizes = [(*held(dict(config)), i, dict(config)) for i, config in enumerate(drawn.sample_configuration(2000))]
    legal = [each for each in sizes if each[1] <= max_params]
    if not legal:
        least = min(each[1] for each in sizes)
        raise UserError(f"--max-params {max_params:.0f}: the smallest of 2,000 networks has {least:,} parameters")
    _, parameters, _, config = max(legal)
    return config, parameters


def peak(work: Callable[..., None], *arguments: Any) -> float:
    """Return the peak of a new process that does `work`, in megabytes."""
    return alone(_peak_of, work, arguments)


def _peak_of(work: Callable[..., None], arguments: tuple[Any, ...]) -> float:
    work(*arguments)
    return peak_megabytes()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--max-params", type=value(positive), default=2e7)
    parser.add_argument("--trials", type=value(positive), nargs="+", default=list(TRIALS))
    parser.add_argument("--quick", action="store_true", help="at most 1e5 parameters and 100 trials")
    asked = parser.parse_args()
    if asked.quick:
        asked.max_params, asked.trials = min(asked.max_params, 1e5), TRIALS[:1]
    config, parameters = largest(asked.max_params)
    smallest = {**config, "n_conv_layers": 1, "n_channels_conv_0": 16, "n_fc_layers": 1, "n_channels_fc_0": 16}
    smallest = {name: value for name, value in smallest.items() if name[-2:] not in ("_1", "_2")}
    largest_told = f"worker, {parameters:,} parameters, batch {config['batch_size']}"
    with growing(table := Table("process", "peak, MB")):
        for folds, told in ((1, ""), (FOLDS, f", {FOLDS} folds")):
            table.add_row(f"worker, a tiny network{told}", f"{peak(training, smallest, folds):.0f}")
            table.add_row(f"{largest_told}{told}", f"{peak(training, config, folds):.0f}")
        for strategy, trials in product(("random", "evolution"), asked.trials):
            table.add_row(f"engine, {strategy}, {trials:,} trials", f"{peak(searching, trials, strategy):.0f}")
    return 0


if __name__ == "__main__":
    run(main)

"""Learning curves that others logged: HyperRec (Xiao et al. 2021) and LCBench (Zimmer et al. 2021), 100 rows each.

A configuration that no row holds gets the curve of the nearest. Both are folders with `configs.parquet`, `curves.npz`.
"""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace, Float, Integer
from numpy.typing import NDArray

from benchmarks.tables.lookup import Lookup
from benchmarks.tables.nearest import Nearest
from nas.core.errors import UserError
from nas.core.extra import extra
from search_spaces.hyperrec import published
from search_spaces.hyperrec import space as hyperrec_space

SIZES = {  # inputs and classes of the OpenML data sets of LCBench without categorical inputs
    "Fashion-MNIST": (784, 10), "christine": (1636, 2), "covertype": (54, 7), "dionis": (60, 355), "fabert": (800, 7),
    "helena": (27, 100), "higgs": (28, 2), "jannis": (54, 4), "mfeat-factors": (216, 10), "numerai28.6": (21, 2),
    "phoneme": (5, 2), "shuttle": (9, 7), "sylvine": (20, 2), "volkert": (180, 10),
}  # fmt: skip


def lcbench(folder: Path, task: str) -> Lookup:
    """Return the search for the best balanced accuracy of a funnel-shaped MLP on `task`; `params` are known before.

    Entry 0 of a curve is before training, so 51 epochs are a full one.
    """
    if task not in SIZES:
        raise UserError(f"the parameters of LCBench's networks on {task!r} are not known: choose of {', '.join(SIZES)}")
    accuracy = _curves(folder, task)[0]
    rows = [{name: row[name] for name in lcbench_space()} for row in _configs(folder)]
    nearest = Nearest(lcbench_space(), rows)
    sizes = [funnel_parameters(*SIZES[task], int(row["max_units"]), int(row["num_layers"])) for row in rows]

    def metrics(config: Mapping[str, Any], epochs: int) -> dict[str, float]:
        return {"accuracy": float(accuracy[nearest.row(config), epochs])}

    cheap = {"params": lambda config: float(sizes[nearest.row(config)])}
    return Lookup(lcbench_space(), accuracy.shape[1] - 1, "accuracy", True, metrics, cheap, lambda: rows)


def lcbench_space() -> ConfigurationSpace:
    """Return the seven hyperparameters that vary, with the ranges of the subset."""
    space = ConfigurationSpace(name="lcbench")
    space.add(
        Integer("batch_size", (16, 512), log=True), Float("learning_rate", (1e-4, 1e-1), log=True),
        Float("momentum", (0.1, 0.99)), Float("weight_decay", (1e-5, 1e-1)), Integer("num_layers", (1, 5)),
        Integer("max_units", (64, 1024), log=True), Float("max_dropout", (0.0, 1.0)),
    )  # fmt: skip
    return space


def funnel_parameters(inputs: int, classes: int, max_units: int, layers: int) -> int:
    """Return the weights and biases of Auto-PyTorch's funnel: widths fall in equal steps to the number of classes.

    The last of `layers` is the output.
    """
    widest = max(inputs, max_units)
    step = max(0, (widest - classes) // max(1, layers - 1))
    widths = [inputs, *(widest - i * step for i in range(layers - 1)), classes]
    return sum(a * b + b for a, b in pairwise(widths))


def hyperrec(folder: Path, task: str, second: str) -> Lookup:
    """Return the search for the best accuracy of a ResNet on `task`, 75 epochs; `second_accuracy` is that on `second`.

    Both are means of two seeds.
    """
    one, two = _curves(folder, task).mean(axis=0), _curves(folder, second).mean(axis=0)
    rows = [published(row) for row in _configs(folder)]
    nearest = Nearest(hyperrec_space(), rows)

    def metrics(config: Mapping[str, Any], epochs: int) -> dict[str, float]:
        row = nearest.row(config)
        return {"accuracy": float(one[row, epochs - 1]), "second_accuracy": float(two[row, epochs - 1])}

    return Lookup(hyperrec_space(), one.shape[1], "accuracy", True, metrics, {}, lambda: rows)


def _configs(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = extra("pyarrow.parquet").read_table(folder / "configs.parquet").to_pylist()
    return rows


def _curves(folder: Path, task: str) -> NDArray[np.float64]:
    """Return the accuracies of a task: [seeds, configurations, epochs]."""
    with np.load(folder / "curves.npz", allow_pickle=False) as content:
        tasks = [str(name) for name in content["tasks"]]
        if task not in tasks:
            raise UserError(f"{folder} has no task {task!r}: choose of {', '.join(tasks)}")
        curves: NDArray[np.float64] = content["accuracy"][:, tasks.index(task)]
    return curves

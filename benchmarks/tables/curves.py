"""Learning curves that others logged: HyperRec (Xiao et al. 2021) and LCBench (Zimmer et al. 2021), 100 rows each.

A configuration that no row holds gets the curve of the nearest. Both are folders with `configs.parquet`, `curves.npz`.
"""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition, Float, Integer
from ConfigSpace.hyperparameters import Hyperparameter
from numpy.typing import NDArray

from benchmarks.tables.lookup import Lookup
from benchmarks.tables.nearest import Nearest
from nas.core.errors import UserError
from nas.core.extra import extra

SIZES = {  # inputs and classes of the OpenML data sets of LCBench without categorical inputs
    "Fashion-MNIST": (784, 10), "christine": (1636, 2), "covertype": (54, 7), "dionis": (60, 355), "fabert": (800, 7),
    "helena": (27, 100), "higgs": (28, 2), "jannis": (54, 4), "mfeat-factors": (216, 10), "numerai28.6": (21, 2),
    "phoneme": (5, 2), "shuttle": (9, 7), "sylvine": (20, 2), "volkert": (180, 10),
}  # fmt: skip
_RENAMED = {"StepLR": "gamma_step", "ExponentialLR": "gamma_exponential", "CyclicLR": "gamma_cyclic"}


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
    rows = [_hyperrec_row(row) for row in _configs(folder)]
    nearest = Nearest(hyperrec_space(), rows)

    def metrics(config: Mapping[str, Any], epochs: int) -> dict[str, float]:
        row = nearest.row(config)
        return {"accuracy": float(one[row, epochs - 1]), "second_accuracy": float(two[row, epochs - 1])}

    return Lookup(hyperrec_space(), one.shape[1], "accuracy", True, metrics, {}, lambda: rows)


def hyperrec_space() -> ConfigurationSpace:
    """Return the conditional space: optimizers and schedules bring their own hyperparameters.

    `gamma` has a range of its own for each schedule, and rates that the table has as such are shares of `lr`.
    """
    space = ConfigurationSpace(name="hyperrec")
    optimizer = Categorical("optimizer", ["Adam", "SGD"])
    schedule = Categorical("scheduler", ["StepLR", "ExponentialLR", "CyclicLR", "CosineAnnealingWarmRestarts"])
    conditional: dict[tuple[str, str], list[Hyperparameter[Any, Any]]] = {
        ("optimizer", "Adam"): [
            Float("adam_beta0", (0.5, 0.999), log=True), Float("adam_beta1", (0.8, 0.999), log=True),
        ],
        ("optimizer", "SGD"): [Float("sgd_momentum", (1e-3, 1.0), log=True)],
        ("scheduler", "StepLR"): [Integer("step_size", (2, 20)), Float("gamma_step", (0.1, 0.5), log=True)],
        ("scheduler", "ExponentialLR"): [Float("gamma_exponential", (0.85, 0.999), log=True)],
        ("scheduler", "CyclicLR"): [
            Float("gamma_cyclic", (0.1, 0.5), log=True), Float("max_lr", (1.1, 1.5)), Integer("step_size_up", (1, 10)),
        ],
        ("scheduler", "CosineAnnealingWarmRestarts"): [
            Integer("t_0", (2, 20)), Integer("t_mult", (1, 4)), Float("eta_min", (0.5, 0.9)),
        ],
    }  # fmt: skip
    space.add(
        Integer("batch_size", (32, 128)), Categorical("model", ["resnet34", "resnet50"]), optimizer, schedule,
        Float("lr", (1e-4, 1e-1), log=True), Float("weight_decay", (1e-5, 1e-3), log=True),
    )  # fmt: skip
    for (parent, value), children in conditional.items():
        space.add(*children, *(EqualsCondition(child, space[parent], value) for child in children))
    return space


def _hyperrec_row(row: Mapping[str, Any]) -> dict[str, Any]:
    own = {_RENAMED.get(row["scheduler"], "") if name == "gamma" else name: value for name, value in row.items()}
    own |= {name: own[name] / row["lr"] for name in ("max_lr", "eta_min") if own[name] is not None}
    return {name: own[name] for name in hyperrec_space() if own.get(name) is not None}


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

"""python -m benchmarks.overhead: what does a suggestion cost when so many results are known?

CPU milliseconds of one ask and tell in one thread, of a search of so many trainings, by which initial designs go: a
mean of the last tenth, or of the last fifty, for many ask for a generation at a time; the median of three searches. The
space is cnn's, with 14 hyperparameters, the objective a formula, with one cheap and one expensive constraint.
"""

import argparse
import math
import statistics
import time
import warnings
from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from rich.table import Table

from benchmarks import contestants
from benchmarks.command import growing, run
from benchmarks.meter import Meter, Spent
from benchmarks.problems import Problem
from benchmarks.processes import alone, use_one_thread
from benchmarks.tables.flowers import parameters
from benchmarks.tables.lookup import Lookup
from nas.cli.flags import value
from nas.core.constraints import Constraint
from nas.core.units import positive
from search_spaces import cnn

SIZES, SEEDS = (100, 1000, 5000), 3
CONTESTANTS = (
    "engine", "engine, no model", "random search", "Optuna TPE", "Optuna NSGA-II", "SMAC3", "DEHB", "pymoo GA",
    "Syne Tune REA",
)  # fmt: skip


def formula(config: Mapping[str, Any], epochs: int) -> dict[str, float]:
    """Return metrics with one optimum; precision grows with the batch size as in the course project."""
    rate = abs(math.log10(config["learning_rate_init"]) + 3) / 2
    width = abs(math.log2(config["n_channels_conv_0"]) - 7) / 7
    drop = config["dropout_rate"] * config["use_BN"]
    return {"accuracy": 1 / (1 + rate + width + drop), "precision": config["batch_size"] / 400}


def problem() -> Problem:
    """Return the problem that all are asked about."""
    lookup = Lookup(cnn.space(), 1, "accuracy", True, formula, {"params": lambda config: float(parameters(config))})
    bounds = (Constraint("params", "<=", 2e7), Constraint("precision", ">=", 0.2))
    return Problem("overhead", lookup, bounds, 1, None, 0.0)


class Clocked(Meter):
    """Notes the CPU time at every training, its own left out, and gives up after `limit` seconds."""

    def __init__(self, budget: float, limit: float) -> None:
        super().__init__(problem(), budget)
        self.times, self._own, self._end = list[float](), 0.0, time.process_time() + limit

    def __call__(self, config: Mapping[str, Any], epochs: int | None = None) -> Any:
        began = time.process_time()
        if began > self._end:
            raise Spent
        outcome = super().__call__(config, epochs)
        self.times += [began - self._own] if outcome.metrics else []
        self._own += time.process_time() - began
        return outcome

    def milliseconds(self, size: int) -> float | None:
        """Return what one suggestion took, on average of the last before `size` results; None if not reached."""
        first = size - max(50, size // 10)
        if len(self.times) < size:
            return None
        return (self.times[size - 1] - self.times[first - 1]) / (size - first) * 1e3


def measure(name: str, limit: float, seeds: int) -> list[str]:
    """Return what contestant `name` takes at each size, of searches of as many, up to the first that takes too long.

    Where it fails, the error takes the place.
    """
    warnings.simplefilter("ignore")  # of peers
    cells = list[str]()
    for size in SIZES:
        found = list[float]()
        for seed in range(seeds):
            meter = Clocked(size, limit)
            try:
                contestants.contestant(name)(meter, seed)
            except Exception as error:  # of a peer
                return [*cells, failed(error)]
            took = meter.milliseconds(size)
            if took is None:
                return [*cells, "-"]
            found.append(took)
        cells.append(f"{statistics.median(found):.2f}")
    return cells


def measured(name: str, limit: float, seeds: int) -> list[str]:
    """Return the same, measured in a process of its own, which may die."""
    try:
        return alone(measure, name, limit, seeds)
    except BrokenProcessPool as death:
        return [failed(death)]


def failed(error: Exception) -> str:
    return f"failed: {type(error).__name__}: {error}"[:80]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=value(positive), help="CPU seconds a search: 60, or 8 with --quick")
    parser.add_argument("--contestants", nargs="+", default=list(CONTESTANTS), choices=contestants.NAMES)
    parser.add_argument("--quick", action="store_true", help="one search instead of three")
    asked = parser.parse_args()
    limit, seeds = (8, 1) if asked.quick else (60, SEEDS)
    use_one_thread()
    table = Table("contestant", *(f"{size:,}" for size in SIZES), title="CPU ms a suggestion")
    with growing(table):
        for name in asked.contestants:
            table.add_row(name, *measured(name, asked.limit or limit, seeds))
    return 0


if __name__ == "__main__":
    run(main)

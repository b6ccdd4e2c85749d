"""python -m benchmarks.scaling: how many results a second, how fast a resumption, how busy a thousand workers?

Throughput is that of the engine alone, the objective does nothing. Utilisation is simulated, on learning curves of
LCBench (Zimmer et al. 2021) from ../shared/data/lcbench, or FILE, at paces from 1 to 16.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock
from zipfile import BadZipFile

import numpy as np
from ConfigSpace import ConfigurationSpace, Float
from rich.console import Console
from rich.table import Table

import nas
from benchmarks.command import run, whole
from benchmarks.virtual import VirtualWorkers
from nas.cli.flags import value
from nas.core.seeds import generator
from nas.core.types import Job
from nas.core.units import count, positive

CURVES = Path("../shared/data/lcbench/curves.npz")
SIZES = (10_000, 30_000, 100_000)  # results
FULL: dict[str, Any] = {
    "budget": "full", "strategy": "random", "max_epochs": 1, "offspring": 100, "verbose": False,
}  # fmt: skip


def space() -> ConfigurationSpace:
    return ConfigurationSpace({f"x{i}": (0.0, 1.0) for i in range(14)})


def nothing(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Train for no time at all."""
    return {"accuracy": config["x0"]}


def throughput(results: int) -> Table:
    """Return results per second by executor, each journalled and synced."""
    table = Table("executor", "results/s", title=f"engine with an objective that does nothing, {results} results")
    executors: dict[str, dict[str, Any]] = {
        "in process": {}, "1 worker": {"workers": 1}, "2 workers": {"workers": 2}, "4 workers": {"workers": 4},
        "Dask, 2 processes": {"cluster": "local:2"},
    }  # fmt: skip
    for name, where in executors.items():
        with tempfile.TemporaryDirectory() as folder:
            search = whole(nas.search(space(), nothing, max_trials=results, run_dir=folder, **FULL, **where))
            ends = sorted(result.elapsed for result in search.trials)
            begin = len(ends) // 4  # by then all workers have started
            table.add_row(name, f"{(len(ends) - begin - 1) / (ends[-1] - ends[begin]):.0f}")
    return table


def resumption(sizes: list[int]) -> Table:
    """Return time and memory of reading a run back, each in a process of its own."""
    table = Table("results", "journal MB", "resume s", "memory MB", title="resuming a finished run")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            with mock.patch("os.fsync"):  # nothing is at stake while the journal is made
                whole(nas.search(space(), nothing, max_trials=size, run_dir=folder, **FULL))
            command = [sys.executable, "-m", "benchmarks.scaling", "--resume", folder, str(size)]
            seconds, memory = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            megabytes = (Path(folder) / "journal.jsonl").stat().st_size / 1e6
            table.add_row(f"{size:,}", f"{megabytes:.0f}", seconds, memory)
    return table


def resume(folder: str, size: int) -> None:
    """Resume and print seconds and the peak of memory."""
    began = time.monotonic()
    search = nas.search(space(), nothing, max_trials=size, run_dir=folder, **FULL)
    assert len(search.trials) == size
    print(f"{time.monotonic() - began:.1f} {peak_megabytes():.0f}")


def peak_megabytes() -> float:
    """Return the peak of this process's memory; getrusage would count what its parent had before the exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmHWM:"))) / 1e3


class Curves:
    """The learning curves of one task: a configuration says which, and how long an epoch takes."""

    def __init__(self, file: Path, task: str) -> None:
        try:
            content = np.load(file, allow_pickle=False)
            self.accuracy = content["accuracy"][0, list(content["tasks"]).index(task)]
        except (OSError, EOFError, ValueError, KeyError, IndexError, BadZipFile) as error:
            raise nas.UserError(f"--curves {file} does not hold LCBench's curves of {task}: {error}") from None

    def space(self) -> ConfigurationSpace:
        return ConfigurationSpace([Float("curve", (0, 1)), Float("macs", (1, 16), log=True)])

    def __call__(self, config: Mapping[str, Any], epochs: int) -> dict[str, float]:
        curve = min(int(config["curve"] * len(self.accuracy)), len(self.accuracy) - 1)
        return {"accuracy": float(self.accuracy[curve, epochs])}

    def macs(self, config: dict[str, Any]) -> dict[str, float]:
        return {"macs": config["macs"]}


def utilisation(curves: Curves, workers: int, budget: str) -> tuple[float, float, float]:
    """Return the share of time that workers train, the time it took in full trainings, and the best accuracy."""

    def seconds(job: Job) -> float:
        pace = dict(job.trial.cheap)["macs"] * generator("pace", *job.key).uniform(0.7, 1.4)  # what MACs cannot tell
        return float((job.stop - job.start) * pace)

    pool = VirtualWorkers(workers, curves, seconds)
    with mock.patch("nas.asked.Machine.executor", lambda *_: pool):
        search = nas.search(
            curves.space(), nothing, measure=curves.macs, budget=budget, max_epochs=27, min_epochs=1, eta=3,
            strategy="random", offspring=workers, lanes=workers, max_total_epochs=27 * 20 * workers,
            verbose=False,
        )  # fmt: skip
    whole(search)
    mean = sum(dict(result.job.trial.cheap)["macs"] for result in search.trials) / len(search.trials)
    assert search.best
    return pool.busy / (workers * pool.now), pool.now / (27 * mean), search.best.metrics["accuracy"]


def enough(text: str) -> int:
    return count(text, least=100)  # most of which come when all workers have started


def main() -> int:
    if sys.argv[1:2] == ["--resume"]:
        resume(sys.argv[2], int(sys.argv[3]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=value(enough), default=2000, help="of the throughput")
    parser.add_argument("--sizes", type=value(positive), nargs="+", default=list(SIZES), help="of the journals")
    parser.add_argument("--workers", type=value(positive), nargs="+", default=[10, 100, 1000], help="simulated")
    parser.add_argument("--curves", type=Path, default=CURVES, metavar="FILE", help="curves.npz of LCBench")
    asked = parser.parse_args()
    curves = Curves(asked.curves, "Fashion-MNIST") if asked.curves.exists() else None
    console = Console()
    console.print(throughput(asked.results))
    console.print(resumption(asked.sizes))
    if not curves:
        print(f"utilisation is not simulated: {asked.curves} is not there (--curves FILE)")
        return 0
    table = Table("workers", "budget", "busy", "time in full trainings", "best", title="20 full trainings a worker")
    for workers in asked.workers:
        for budget in ("asha", "halving", "hyperband"):
            busy, took, best = utilisation(curves, workers, budget)
            table.add_row(str(workers), budget, f"{busy:.0%}", f"{took:.1f}", f"{best:.4f}")
    console.print(table)
    return 0


if __name__ == "__main__":
    run(main)

"""python -m benchmarks.training: how many trials an hour, beside the loop that everybody writes?

The same networks train for the same epochs on the same images, in turns, by one thread. Then whole searches of
full trainings run with one worker and with two.
"""

import argparse
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from ConfigSpace import ConfigurationSpace
from PIL import Image
from rich.console import Console
from rich.table import Table

import nas
from benchmarks import plain_loop
from benchmarks.command import growing, run, whole
from benchmarks.processes import pool, starting_line
from nas.data import load
from nas.training import cost
from nas.training.task import ImageTask
from search_spaces import cnn

FLOWERS = Path("../shared/data/micro17flower")
EPOCHS, TURNS, TRIALS = 5, 3, 16  # a worker
PATIENCE = 600  # seconds that processes wait for the others to start
NETWORKS = {"small": ((16, 32), 64), "medium": ((32, 64, 64), 64), "large": ((128, 256), 32)}  # convolutions, batch
DEFAULT, DEFAULT_EPOCHS = "default", 2  # it takes minutes, so it is timed in one turn
IN_BFLOAT16 = """from search_spaces.cnn import DEFAULT, TRAINER, build, space
RECIPE = {"bfloat16": True}
"""


@dataclass(frozen=True)
class Work:
    """What is trained on, and how; sent to processes."""

    data: str
    device: str
    recorded: bool  # as CUDA graphs
    workers: int = 1  # side by side
    space: str = "cnn"  # a name or a file

    def task(self) -> ImageTask:
        sharing = 1 if self.device == "cpu" else self.workers
        return ImageTask(
            self.data, None, self.space, 1, 0, EPOCHS, self.device, 1, recorded=self.recorded, workers_per_gpu=sharing
        )

    def __str__(self) -> str:
        return f"{Path(self.data).name}, {self.device}{' with graphs' if self.recorded else ''}"


def network(name: str) -> dict[str, Any]:
    """Return the configuration of a network of the space cnn."""
    if name == DEFAULT:
        return dict(cnn.DEFAULT)
    channels, batch_size = NETWORKS[name]
    widths = {f"n_channels_conv_{i}": width for i, width in enumerate(channels)}
    return {
        "learning_rate_init": 1e-3, "batch_size": batch_size, "kernel_size": 3, "use_BN": True,
        "global_avg_pooling": True, "dropout_rate": 0.1, "n_conv_layers": len(channels), **widths, "n_fc_layers": 1,
        "n_channels_fc_0": 64,
    }  # fmt: skip


@contextmanager
def folder(data: str) -> Iterator[Path]:
    """Yield the training part of a data set as a folder of image files."""
    if Path(data).is_dir():
        yield Path(data) / "train"
        return
    with tempfile.TemporaryDirectory() as name:
        images = load(data, "train")
        assert images.pixels is not None
        for i, (pixels, label) in enumerate(zip(images.pixels, images.labels.tolist(), strict=True)):
            file = Path(name) / images.classes[label] / f"{i:05}.png"
            file.parent.mkdir(exist_ok=True)
            Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(file)
        yield Path(name)


@contextmanager
def busy(device: str) -> Iterator[list[float]]:
    """Yield a list that afterwards holds the share of every second, in percent, in which the GPU did something."""
    shares = list[float]()
    if device == "cpu":
        yield shares
        return
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--loop=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watch:
        yield shares
        watch.terminate()
        told, _ = watch.communicate()
    shares += [float(line) for line in told.splitlines()]


def seconds(job: Callable[[], object]) -> float:
    began = time.perf_counter()
    job()
    return time.perf_counter() - began


def side_by_side(work: Work, names: Sequence[str], turns: int) -> None:
    """Print trials an hour of both, in turns; of the default network in bfloat16, too, which a GPU has anyhow."""
    table = Table(
        "network", "million MACs", "epochs", "turns", "plain loop", "engine", "ratio",
        title=f"{work}: trials an hour, one thread, median of the turns",
    )  # fmt: skip
    torch.set_num_threads(1)
    with growing(table), folder(work.data) as files, tempfile.TemporaryDirectory() as scratch:
        device, file, space = work.device, Path(scratch) / "state", Path(scratch) / "in_bfloat16.py"
        space.write_text(IN_BFLOAT16)
        tasks = {"": work.task(), ", bfloat16": replace(work, space=str(space)).task()}
        images, _ = (task.images for task in tasks.values())  # loading is nobody's training, nor are
        plain_loop.train(files, network("small"), 1, device)  # imports and first calls
        for name in names:
            config, (epochs, count) = network(name), (DEFAULT_EPOCHS, 1) if name == DEFAULT else (EPOCHS, turns)
            macs = cost.macs(cost.on_meta(cnn.build, config, images.shape, len(images.classes)), images.shape)
            plain = partial(plain_loop.train, files, config, epochs, device)
            kinds = list(tasks) if name == DEFAULT and device == "cpu" else [""]
            ours = [partial(tasks[kind], config, epochs=epochs, start=0, seed=0, checkpoint=file) for kind in kinds]
            times = [[seconds(job) for job in (plain, *ours)] for _ in range(count)]
            theirs, *own = ([3600 / each for each in column] for column in zip(*times, strict=True))
            for kind, rates in zip(kinds, own, strict=True):
                hourly = (f"{statistics.median(each):,.0f}" for each in (theirs, rates))
                table.add_row(name + kind, f"{macs / 1e6:.1f}", str(epochs), str(count), *hourly, ratio(rates, theirs))


def workers(work: Work, turns: int) -> None:
    """Print trials an hour by the number of workers, beside as many processes that train without an engine.

    What such processes reach is about what the machine has to give.
    """
    table = Table(
        "processes", "engine", "to one", "to the plain loop", "no engine", "to one",
        title=f"{work}: trials an hour of the small network, median of {turns}",
    )  # fmt: skip
    counts = (1, 2) if work.device == "cpu" else (1, 2, 4, 8)
    searched, trained, looped = dict[int, list[float]](), dict[int, list[float]](), list[float]()
    for _ in range(turns):
        looped.append(looping(work))
        for count in counts:
            searched.setdefault(count, []).append(searching(replace(work, workers=count)))
            trained.setdefault(count, []).append(training(replace(work, workers=count)))
    for count in counts:
        table.add_row(
            str(count), f"{statistics.median(searched[count]):,.0f}", ratio(searched[count], searched[1]),
            ratio(searched[count], looped), f"{statistics.median(trained[count]):,.0f}",
            ratio(trained[count], trained[1]),
        )  # fmt: skip
    Console().print(table)


def ratio(rates: Sequence[float], others: Sequence[float]) -> str:
    """Return the median of what the turns say."""
    return f"{statistics.median(rate / other for rate, other in zip(rates, others, strict=True)):.2f}"


def looping(work: Work) -> float:
    """Return trials an hour of the plain loop."""
    torch.set_num_threads(1)
    with folder(work.data) as files:
        return 3600 / seconds(lambda: plain_loop.train(files, network("small"), EPOCHS, work.device))


def searching(work: Work) -> float:
    """Return trials an hour of a search with its workers, from when all have started."""
    count = work.workers
    search = nas.search(
        ConfigurationSpace({"x": (0.0, 1.0)}), Trainer(work), strategy="random", budget="full", max_epochs=EPOCHS,
        offspring=TRIALS * count, max_trials=TRIALS * count, workers=count, verbose=False,
    )  # fmt: skip
    ends = sorted(result.elapsed for result in whole(search).trials)
    return (len(ends) - 2 * count + 1) / (ends[-count] - ends[count - 1]) * 3600


def training(work: Work) -> float:
    """Return trials an hour of as many processes that do nothing but train, from when all have started."""
    count = work.workers
    with starting_line(count, PATIENCE) as start, pool(count) as processes:
        longest = max(processes.map(_train, [work] * count, [start] * count).result())
    return TRIALS * count / longest * 3600


def _train(work: Work, start: threading.Barrier) -> float:
    """Return the seconds that the trials took."""
    trainer = Trainer(work)
    with tempfile.TemporaryDirectory() as folder:
        train = partial(trainer, {}, epochs=EPOCHS, start=0, seed=0, checkpoint=Path(folder) / "state")
        train()  # the images are loaded now
        start.wait()
        return seconds(lambda: [train() for _ in range(TRIALS)])


class Trainer:
    """Trains the small network whatever the configuration, so that all trials cost the same."""

    def __init__(self, work: Work) -> None:
        self.task = work.task()

    def __call__(self, config: dict[str, Any], **job: Any) -> dict[str, Any]:
        return self.task(network("small"), **job)


def show(work: Work, quick: bool) -> None:
    """Print what is measured of `work`. Raises UserError where there are no such images."""
    turns = 1 if quick else TURNS
    side_by_side(work, [*NETWORKS] if quick else [*NETWORKS, DEFAULT], turns)
    with busy(work.device) as shares:
        workers(work, turns)
    if shares:
        print(f"the GPU was busy {statistics.mean(shares):.0f}% of that time")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["digits-m", str(FLOWERS)], help="names or image folders")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--cuda-graphs", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one turn instead of three, without the default network")
    asked = parser.parse_args()
    if asked.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no GPU here: leave --device away")
    if asked.cuda_graphs and asked.device == "cpu":
        parser.error("--cuda-graphs needs --device cuda")
    for data in asked.data:
        if data == str(FLOWERS) and not FLOWERS.is_dir():
            print(f"{data} is not there: give --data")
            continue
        show(Work(data, asked.device, asked.cuda_graphs), asked.quick)
    return 0


if __name__ == "__main__":
    run(main)

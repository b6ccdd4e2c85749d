"""python -m benchmarks.throughput: how many images a second does a ResNet-18 train on, here and by torchvision's loop?

Both train at 224 pixels on the same JPEG files, with as many processes that decode, SGD, and mixed precision on a GPU.
The reference is the loop of torchvision's references/classification/train.py in few lines, without its log of loss and
accuracy, for which it waits at every step. It also runs with its weights channels last, as the engine has them. All
take turns, each epoch in a process of its own, and each is clocked from its third batch on, to the end of the epoch.

`--make DIR` only writes the files that stand in for ImageNet: DIR/train/CLASS and DIR/val/CLASS.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.command import growing, run
from benchmarks.photographs import make_tree
from benchmarks.processes import alone
from nas.cli.flags import value
from nas.core.units import positive
from nas.data.parallel import cores
from nas.runs.saved import versions

SIZE, WARM = 224, 2  # pixels a side, batches before the clock
LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 0.1, 0.9, 1e-4
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = 1_281_167  # training images
Pace = tuple[float, float]  # images a second, and milliseconds an image of the processor that trains, not decodes
RESULTS = Path(__file__).parent / "results" / "throughput" / "rates.jsonl"


@dataclass(frozen=True)
class Setting:
    """On what an epoch is measured, and with what."""

    folder: str
    batch_size: int
    workers: int
    threads: int
    device: str
    augmentation: str


def engine(setting: Setting) -> Pace:
    """Return the pace of this engine."""
    import torch

    from nas.spaces import models
    from nas.spaces.space import load
    from nas.training import official
    from nas.training.pieces import TRAINING
    from nas.training.recipe import overruled
    from nas.training.training import Training

    torch.set_num_threads(setting.threads)
    recipe = {
        "optimizer": "sgd", "policy": "constant", "augmentation": setting.augmentation,
        "batch_size": setting.batch_size,
    }  # fmt: skip
    name = models.named("resnet18", learning_rate=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    space = overruled(load(name), recipe)
    pieces = official.pieces(setting.folder, SIZE, setting.device, resident_bytes=0, decoders=setting.workers)
    training = Training.begin(space, {}, {TRAINING: pieces[TRAINING]}, (0, "final"), 1, setting.device)
    return clocked(training.batches(training.steps_per_epoch), training.step, setting.device)


def reference(setting: Setting, channels_last: bool = False) -> Pace:
    """Return the pace of torchvision's loop."""
    import torch
    from torch.nn import functional
    from torch.utils.data import DataLoader

    from nas.data.torchvision_compat import import_torchvision

    torch.set_num_threads(setting.threads)
    torchvision, device = import_torchvision(), torch.device(setting.device)
    transforms, on_gpu = torchvision.transforms, device.type == "cuda"
    steps = [transforms.RandomResizedCrop(SIZE), transforms.RandomHorizontalFlip(), transforms.PILToTensor(),
             transforms.ConvertImageDtype(torch.float), transforms.Normalize(MEAN, DEVIATION)]  # fmt: skip
    images = torchvision.datasets.ImageFolder(Path(setting.folder) / "train", transforms.Compose(steps))
    loader = DataLoader(
        images,
        setting.batch_size,
        shuffle=True,
        num_workers=setting.workers,
        pin_memory=on_gpu,
        multiprocessing_context="fork" if setting.workers else None,  # as ever, also from a process that was spawned
    )
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = torchvision.models.resnet18(num_classes=len(images.classes)).to(device, memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    scaler = torch.amp.GradScaler(device.type, enabled=on_gpu)

    def step(batch: Any) -> None:
        pixels, labels = (part.to(device, non_blocking=True) for part in batch)
        with torch.autocast(device.type, enabled=on_gpu):
            loss = functional.cross_entropy(model(pixels.to(memory_format=layout)), labels)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    return clocked(loader, step, setting.device)


def clocked(batches: Iterable[Any], step: Callable[[Any], Any], device: str) -> Pace:
    """Return the pace of the steps on `batches`, but for the first ones."""
    import torch

    def now() -> tuple[float, float]:
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        return time.perf_counter(), time.process_time()

    began, seen = now(), 0
    for number, batch in enumerate(batches):
        if number == WARM:
            began, seen = now(), 0
        step(batch)
        seen += len(batch[1])
    seconds, processor = (end - start for start, end in zip(began, now(), strict=True))
    return seen / seconds, processor / seen * 1000


CONTESTANTS: dict[str, tuple[Any, ...]] = {
    "torchvision's loop": (reference,),
    "torchvision's loop, channels last": (reference, True),
    "engine": (engine,),
}


def compare(setting: Setting, epochs: int) -> dict[str, list[Pace]]:
    """Return the pace of each contestant by epoch; as far as they are measured the table shows them."""
    found = {name: list[Pace]() for name in CONTESTANTS}
    for epoch in range(epochs):
        columns = ("loop", "images/s", "least-most", "ratio", "CPU ms/image", "ratio", "an epoch of ImageNet, h")
        table = Table(*columns, title=f"epochs: {epoch + 1}")
        with growing(table):
            for name, (work, *more) in CONTESTANTS.items():
                found[name].append(alone(work, setting, *more))
                table.add_row(name, *told(found[name], next(iter(found.values()))))
    return found


def told(paces: list[Pace], base: list[Pace]) -> list[str]:
    """Return the cells of a row; ratios say how many times as fast, the median of epochs that took turns.

    That of processor time is the surer one on a CPU that others use, too.
    """
    rates, processor = zip(*paces, strict=True)
    middle = statistics.median(rates)
    faster = statistics.median(own[0] / other[0] for own, other in zip(paces, base, strict=True))
    cheaper = statistics.median(other[1] / own[1] for own, other in zip(paces, base, strict=True))
    return [
        f"{middle:.1f}", f"{min(rates):.1f}-{max(rates):.1f}", f"{faster:.2f}",
        f"{statistics.median(processor):.0f}", f"{cheaper:.2f}", f"{IMAGENET / middle / 3600:.2f}",
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--make", type=Path, metavar="DIR", help="only write the files there")
    parser.add_argument("--images", type=value(positive), default=2000, metavar="N", help="of train/ (2000)")
    parser.add_argument("--epochs", type=value(positive), default=3, metavar="N", help="of each loop (3)")
    parser.add_argument("--batch-size", type=value(positive), default=32, metavar="N", help="(32)")
    parser.add_argument("--threads", type=value(positive), default=1, metavar="N", help="that compute on a CPU (1)")
    parser.add_argument(
        "--workers", type=int, default=max(1, cores() - 1), metavar="N", help="that decode (the other cores)"
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    parser.add_argument("--augmentation", default="resized-crop", help="of the engine (resized-crop)")
    asked = parser.parse_args()
    if asked.make:
        make_tree(asked.make, asked.images)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NAS_DATA_DIR"] = str(Path(folder) / "cache")
        make_tree(Path(folder) / "images", asked.images)
        setting = Setting(str(Path(folder) / "images"), asked.batch_size, asked.workers, asked.threads, asked.device,
                          asked.augmentation)  # fmt: skip
        found = compare(setting, asked.epochs)
    line = {**asdict(setting), "folder": "", "images": asked.images, "cores": cores(), "paces": found}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("a", encoding="ascii") as file:
        file.write(json.dumps({**line, "torch": versions()["torch"]}) + "\n")
    return 0


if __name__ == "__main__":
    run(main)

"""python -m benchmarks.data: how soon does a training on so many image files begin, and how fast do they come?

The files are links to 400 JPEGs of 240 x 320 pixels, made for this in a folder that is deleted at the end, and become
128 x 128. Each row is a process of its own. The first batch of 64 is reached by a sample of the files, or after all
were read once, as those are that fit in memory. They are decoded by the process that trains, or by others beside it,
while it rests, or while it computes for as long as it takes to decode a batch here.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from rich.table import Table

from benchmarks.command import growing, run
from benchmarks.processes import alone, use_one_thread
from benchmarks.scaling import peak_megabytes
from nas.cli.flags import value
from nas.core.units import positive

ORIGINALS, CLASSES, SIZE, BATCH, STREAMED = 400, 20, 128, 64, 1280


def make_folder(root: Path, files: int) -> None:
    """Write an image folder of so many training files."""
    import numpy as np
    from PIL import Image

    draw = np.random.default_rng(0)
    (root / "originals").mkdir()
    for number in range(ORIGINALS):
        rough = Image.fromarray(draw.integers(0, 256, (16, 12, 3), dtype=np.uint8))
        rough.resize((240, 320), Image.Resampling.BICUBIC).save(root / "originals" / f"{number}.jpg", quality=85)
    for part, count in (("train", files), ("test", 2 * CLASSES)):
        for name in range(CLASSES):
            (root / part / f"{name:02d}").mkdir(parents=True)
        for number in range(count):
            source = root / "originals" / f"{number % ORIGINALS}.jpg"
            os.link(source, root / part / f"{number % CLASSES:02d}" / f"{number:07d}.jpg")


def beginning(folder: str, whole: bool) -> tuple[float, int, float]:
    """Return the seconds until the first batch, the files opened for it, and the peak of the process in megabytes."""
    import torch

    from nas.data import load
    from nas.data.survey import read_all

    opened = [0]
    sys.addaudithook(lambda event, of: opened.append(1) if event == "open" and str(of[0]).endswith(".jpg") else None)
    began = time.perf_counter()
    images = load(folder, image_size=SIZE, resident_bytes=0)
    if whole:
        read_all(folder, images.files)
    next(images.batches(torch.arange(len(images)), BATCH, "cpu"))
    return time.perf_counter() - began, sum(opened), peak_megabytes()


def stream(folder: str, decoders: int, rest: float) -> float:
    """Return the images a second that come from files, to one who computes for `rest` seconds after each batch."""
    import torch

    from nas.data import load

    torch.set_num_threads(1)
    images = load(folder, image_size=SIZE, resident_bytes=0, decoders=decoders)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:STREAMED]
    for _ in images.batches(order[:640], BATCH, "cpu"):  # starts the processes
        pass
    matrix, began = torch.randn(300, 300), time.perf_counter()
    for _ in images.batches(order, BATCH, "cpu"):
        until = time.process_time() + rest
        while time.process_time() < until:
            matrix @ matrix
    return len(order) / (time.perf_counter() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=value(positive), default=10_000, metavar="N", help="of the folder (10000)")
    parser.add_argument("--decoders", type=int, nargs="+", default=[0, 1, 2], metavar="N", help="processes (0 1 2)")
    asked = parser.parse_args()
    use_one_thread()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NAS_DATA_DIR"] = str(Path(folder) / "cache")  # nothing is known of the files before
        make_folder(Path(folder), asked.files)
        table = Table("first batch of", "seconds", "ratio", "files opened", "ratio", "peak, MB", "ratio")
        with growing(table):
            sample, whole = alone(beginning, folder, False), alone(beginning, folder, True)  # which is remembered
            for title, found in (("all files read", whole), ("a sample", sample)):
                told = (f"{found[0]:.2f}", f"{found[1]:,}", f"{found[2]:.0f}")
                ratios = [f"{a / b:.2f}" for a, b in zip(found, whole, strict=True)]
                table.add_row(title, *(cell for pair in zip(told, ratios, strict=True) for cell in pair))
        table = Table("decoders", "images/s", "ratio", "while it computes, images/s", "ratio")
        with growing(table):
            base = [alone(stream, folder, 0, 0.0)]
            base.append(alone(stream, folder, 0, BATCH / base[0]))
            for count in asked.decoders:
                found = [alone(stream, folder, count, rest) for rest in (0.0, BATCH / base[0])] if count else base
                pairs = zip(found, base, strict=True)
                table.add_row(str(count), *(cell for a, b in pairs for cell in (f"{a:.0f}", f"{a / b:.2f}")))
    return 0


if __name__ == "__main__":
    run(main)

"""Does a history of other images help on new ones? Real trainings: a recommendation beside a search from nothing.

    python -m benchmarks.transfer_images [--quick] [--results DIR]

Three tasks: digits 0 to 4, digits 5 to 9, five kinds of clothes, at 14x14 pixels. A search on two of them is the
history of the third. At equal epochs the configuration that each way finds is trained in full and tested on three
seeds. Every row is kept; the same command goes on where it was stopped.
"""

import argparse
import json
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev

import torch
from PIL import Image

from benchmarks.command import run
from nas.cli.arguments import arguments
from nas.cli.commands.outcome import write_best
from nas.cli.commands.plan import Plan
from nas.cli.commands.search import run_search
from nas.data import load
from nas.history.history import History
from nas.history.sources.runs import found
from nas.main import main as nas_main
from nas.runs import saved
from nas.runs.disk import write_atomically
from nas.spaces.space import load as load_space
from nas.training.evaluation import Evaluator

RESULTS = Path(__file__).with_name("results") / "transfer_images"
SPACE = Path(__file__).with_name("transfer_space.py")
TASKS = {
    "digits-0-4": ("digits-m", range(5), 1000),
    "digits-5-9": ("digits-m", range(5, 10), 1000),
    "clothes": ("fashion-mnist", range(0, 10, 2), 150),  # images of each class, at most
}
SIDE, FULL, BEFORE = 14, 9, 200  # pixels; epochs of a full training; of a search that the history holds
BUDGETS, SEEDS, TESTS = (0, 9, 18, 36), (0, 1, 2), (100, 101)
WAYS = ("recommend", "founded evolution", "evolution")


@dataclass(frozen=True)
class Row:
    """What a way found on a task for so many epochs: the mean test accuracy over the seeds of the test."""

    task: str
    way: str
    epochs: int
    seed: int
    accuracy: float = math.nan
    spent: int = 0
    seconds: float = 0.0

    @property
    def cell(self) -> tuple[str, str, int, int]:
        return self.task, self.way, self.epochs, self.seed


def cells() -> Iterator[Row]:
    """Yield what is to be measured: before any epoch there is nothing but the recommendation."""
    for seed in SEEDS:
        for task in TASKS:
            for epochs in BUDGETS:
                yield from (Row(task, way, epochs, seed) for way in WAYS if epochs or way == "recommend")


def images(folder: Path) -> None:
    """Write the tasks as image folders."""
    for task, (name, labels, most) in TASKS.items():
        for part in ("train", "test"):
            data = load(name, part, SIDE)
            assert data.pixels is not None
            for label in labels:
                place = folder / task / part / str(label)
                place.mkdir(parents=True, exist_ok=True)
                for number, index in enumerate(torch.where(data.labels == label)[0][:most].tolist()):
                    Image.fromarray(data.pixels[index].permute(1, 2, 0).squeeze(2).numpy()).save(
                        place / f"{number:04}.png"
                    )


def history(folder: Path, task: str) -> Path:
    """Return the history of the other tasks, each of which is searched once."""
    file = folder / f"without-{task}.db"
    if not file.exists():
        made = file.with_suffix(".new")
        made.unlink(missing_ok=True)
        with History(made, create=True) as kept:
            for number, other in enumerate(TASKS):
                if other != task:
                    searched(folder, other, f"before-{other}", BEFORE, 1000 + number)
                    for each in found(folder / f"before-{other}"):
                        each.add_to(kept)
        made.rename(file)
    return file


def searched(folder: Path, task: str, name: str, epochs: int, seed: int, *more: str) -> int:
    """Search by evolution, write best.json, and return how many epochs it took."""
    asked = ["search", *_common(folder, task, name, seed), "--max-total-epochs", str(epochs), *more]
    asked += ["--epochs", str(FULL), "--min-epochs", "1", "--eta", "3", "--population", "20", "--offspring", "2"]
    plan = Plan(arguments([*asked, "--confirm", "0", "--max-macs", "none"]).asked)
    run = run_search(plan, time.monotonic())
    assert run.best
    write_best(plan, run, run.best, None)
    return run.total_epochs


def _common(folder: Path, task: str, name: str, seed: int) -> list[str]:
    words = ["--data", str(folder / task), "--space", str(SPACE), "--folds", "1", "--workers", "0", "--quiet"]
    return [*words, "--wandb", "disabled", "--seed", str(seed), "--run-dir", str(folder), "--name", name]


def measured(folder: Path, row: Row) -> Row:
    """Return the row with what came of it."""
    known, began = history(folder, row.task), time.monotonic()
    name = f"{row.task}-{row.way.replace(' ', '-')}-{row.epochs}-{row.seed}"
    shutil.rmtree(folder / name, ignore_errors=True)
    spent = 0
    if row.way == "recommend":
        asked = ["recommend", *_common(folder, row.task, name, row.seed), "--history", str(known)]
        assert nas_main([*asked, "--epochs", str(row.epochs)]) == 0
        lines = (folder / name / "history.jsonl").read_text().splitlines() if row.epochs else []
        spent = sum(job["stop"] - job["start"] for job in (json.loads(line)["job"] for line in lines))
    else:
        more = ("--history", str(known)) if row.way == "founded evolution" else ()
        spent = searched(folder, row.task, name, row.epochs, row.seed, *more)
    took = time.monotonic() - began
    return Row(*row.cell, tested(folder / name / "best.json"), spent, round(took, 1))


def tested(file: Path) -> float:
    """Return the mean test accuracy of a saved configuration that is trained in full on the seeds of the test."""
    content = saved.read(file)
    space = load_space(content.space)
    evaluator = Evaluator(space, content.data, content.image_size, "cpu", 1)
    config = space.config(content.config, str(file))
    return fmean(evaluator.test(config, FULL, seed).metrics["accuracy"] for seed in TESTS)


def table(rows: Sequence[Row]) -> str:
    """Return mean test accuracy by way and epochs, over tasks and seeds, with its standard error, as Markdown."""
    lines = ["| epochs | " + " | ".join(WAYS) + " |", "|---" * (1 + len(WAYS)) + "|"]
    for epochs in BUDGETS:
        shown = list[str]()
        for way in WAYS:
            values = [row.accuracy for row in rows if (row.way, row.epochs) == (way, epochs)]
            error = f" ± {stdev(values) / math.sqrt(len(values)):.4f}" if len(values) > 1 else ""
            shown.append(f"{fmean(values):.4f}{error} ({len(values)})" if values else "")
        lines.append(f"| {epochs} | " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"


def kept(file: Path) -> dict[tuple[str, str, int, int], Row]:
    """Return what is kept, without a half-written last line."""
    whole = file.read_text().rpartition("\n")[0] if file.exists() else ""
    rows = (Row(**json.loads(line)) for line in whole.splitlines())
    return {row.cell: row for row in rows}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, no more than two full trainings")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder")
    parser.add_argument("--work", type=Path, default=Path("runs") / "transfer_images", help="where the runs land")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    asked.results.mkdir(parents=True, exist_ok=True)
    folder, file = asked.work.absolute(), asked.results / "rows.jsonl"
    if not (folder / "images-are-whole").exists():
        images(folder)
        (folder / "images-are-whole").touch()
    known = kept(file)
    write_atomically(file, (json.dumps(asdict(row)) + "\n" for row in known.values()))
    todo = [row for row in cells() if not asked.quick or (row.seed == 0 and row.epochs <= 2 * FULL)]
    for number, row in enumerate(todo, 1):
        if row.cell not in known:
            known[row.cell] = measured(folder, row)
            with file.open("a") as lines:
                lines.write(json.dumps(asdict(known[row.cell])) + "\n")
            print(f"{number} of {len(todo)}: {known[row.cell]}", flush=True)
    print(table([*known.values()]))
    return 0


if __name__ == "__main__":
    run(main)

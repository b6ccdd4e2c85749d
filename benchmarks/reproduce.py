"""Do three phases end better than a usual recipe? `nas reproduce` by both rules beside AdamW and a tuned SGD.

    python -m benchmarks.reproduce digits [--results DIR]
    python -m benchmarks.reproduce clothes [--results DIR]

ResNet-8 of examples/resnet20.py, on digits-m and on Fashion-MNIST at 14x14 pixels, with twenty optimizers in the race.
The recipes beside have as many epochs in all as the three phases: torch's AdamW at 0.001 trains for all of them, a
constant SGD with momentum tries eight rates first. All are judged by the test part. Every row is kept; the same command
goes on where it was stopped.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

from benchmarks.command import run
from nas.core.types import Status
from nas.data.folds import splits
from nas.main import main as nas_main
from nas.reproduction.decisions import decided
from nas.runs.reproduced import OPTIMIZERS, TUNING, Full
from nas.runs.stored import open_run
from nas.spaces import models
from nas.spaces.space import load
from nas.training.official import JUDGED, pieces
from nas.training.pieces import TRAINING, VALIDATION, Piece
from nas.training.recipe import prescribed
from nas.training.training import Training

RESULTS = Path(__file__).with_name("results") / "reproduce"
MODEL = "examples/resnet20.py:blocks=1"
RATES = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
SEEDS, RULES = (0, 1, 2), ("fixed", "halving")


@dataclass(frozen=True)
class Case:
    """Images, epochs of the full training, batch size, and further flags of the reproduction."""

    data: str
    image_size: int | None
    epochs: int
    batch: int
    target: float
    flags: tuple[str, ...] = ()


_SOME = (
    "adabelief", "adam", "adamax", "adamp", "adamw", "adan", "adopt", "hyper-adam", "hyper-sgd", "lamb", "lion", "muon",
    "nadam", "novograd", "radam", "ranger", "rmsprop", "sgd", "soap", "sophiah",
)  # fmt: skip
CASES = {
    "digits": Case("digits-m", None, 100, 128, 97.0, ("--steps", "100", "--optimizers", *_SOME)),
    "clothes": Case(
        "fashion-mnist", 14, 5, 256, 90.0,
        ("--steps", "50", "--trials", "6", "--tuning-epochs", "3", "--optimizers", *_SOME),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What a way reached by a seed: after its last epoch and at its best one, and what it cost."""

    way: str
    seed: int
    last: float
    best: float
    epochs: float
    seconds: float
    told: dict[str, Any] = field(default_factory=dict)


def rows_of(name: str, results: Path) -> Iterator[Row]:
    """Yield every row, those that are kept among them."""
    case, file = CASES[name], results / f"{name}.jsonl"
    kept = [Row(**json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []
    for seed in SEEDS:
        spent = 0.0
        for way in (*RULES, "adamw", "sgd"):
            row = next((row for row in kept if (row.way, row.seed) == (way, seed)), None)
            if row is None:
                row = _reproduced(case, way, seed, results / name) if way in RULES else _usual(case, way, seed, spent)
                results.mkdir(parents=True, exist_ok=True)
                with file.open("a") as out:
                    out.write(json.dumps(asdict(row)) + "\n")
            spent = max(spent, row.epochs) if way in RULES else spent
            yield row


def _reproduced(case: Case, rule: str, seed: int, runs: Path) -> Row:
    directory, began = runs / f"{rule}-{seed}", time.monotonic()
    size = ["--image-size", str(case.image_size)] if case.image_size else []
    status = nas_main([
        "reproduce", "--model", MODEL, "--data", case.data, *size, "--target", str(case.target), "--phase1", rule,
        "--epochs", str(case.epochs), "--batch-size", str(case.batch), "--seed", str(seed), "--quiet",
        "--run-dir", str(runs), "--name", directory.name, *case.flags,
    ])  # fmt: skip
    full = Full.read(directory, seed)
    if status or full is None:
        raise SystemExit(status)
    race, tuning = (open_run(directory / each) for each in (OPTIMIZERS, TUNING))
    steps = race.spec.details["steps_per_epoch"] * sum(result.job.stop - result.job.start for result in race.history)
    epochs = steps * case.batch / full.images + sum(r.job.stop - r.job.start for r in tuning.history) + full.done
    won = decided(directory, "phase1") or {}
    failed = sum(result.status is not Status.OK for result in race.history)
    told = {**won, "config": (decided(directory, "phase2") or {}).get("config"), "failed": failed}
    best = full.at_best
    assert best is not None
    return Row(
        rule, seed, full.curve[-1].metrics["accuracy"], best.metrics["accuracy"], epochs, time.monotonic() - began, told
    )  # fmt: skip


def _usual(case: Case, way: str, seed: int, spent: float) -> Row:
    """Return what a usual recipe reaches in so many epochs in all as were `spent`."""
    began, parts = time.monotonic(), pieces(case.data, case.image_size, "cpu")
    if way == "adamw":
        last, best = _trained(parts, JUDGED, seed, round(spent), {"optimizer": "adamw", "learning_rate": 1e-3}, case)
        return Row(way, seed, last, best, round(spent), time.monotonic() - began)
    each = max(1, round((spent - case.epochs) / len(RATES)))
    split = _split(parts[TRAINING], seed)
    found = {
        rate: _trained(split, VALIDATION, seed, each, {"optimizer": "sgd", "learning_rate": rate}, case)[0]
        for rate in RATES
    }
    rate = max(found, key=lambda rate: found[rate])
    last, best = _trained(parts, JUDGED, seed, case.epochs, {"optimizer": "sgd", "learning_rate": rate}, case)
    return Row(way, seed, last, best, each * len(RATES) + case.epochs, time.monotonic() - began, {"rate": rate})


def _split(whole: Piece, seed: int) -> dict[str, Piece]:
    """Return the images to tune on and to choose by, as phase 2 has them."""
    trained, validation = splits(whole.images.labels, 1, seed)[0]
    return {TRAINING: Piece(whole.images, trained), VALIDATION: Piece(whole.images, validation)}


def _trained(
    parts: dict[str, Piece], judge: str, seed: int, epochs: int, recipe: dict[str, Any], case: Case
) -> tuple[float, float]:
    """Return the accuracy after the last epoch and at the best one, at a constant rate; 0 where it diverged."""
    torch.set_num_threads(1)
    space = prescribed(load(models.named(MODEL)), {**recipe, "policy": "constant", "batch_size": case.batch})
    training, found = Training.begin(space, space.default, parts, (seed, "final"), epochs), [0.0]
    try:
        for batch in training.batches(epochs * training.steps_per_epoch):
            training.step(batch)
            if training.between_epochs:
                found.append(training.validate(judge)["accuracy"])
    except ArithmeticError:
        return 0.0, max(found)
    finally:
        training.release()
    return found[-1], max(found)


def table(rows: Sequence[Row]) -> str:
    """Return the rows by way, as Markdown: means over the seeds with standard deviations."""
    lines = ["| way | last epoch | best epoch | epochs in all | seconds | what it chose |", "|---|---|---|---|---|---|"]
    for way in dict.fromkeys(row.way for row in rows):
        own = [row for row in rows if row.way == way]
        told = "; ".join(_told(row) for row in own)
        values = " | ".join(_spread([getattr(row, name) for row in own]) for name in ("last", "best"))
        spent = f"{fmean(row.epochs for row in own):.0f} | {fmean(row.seconds for row in own):.0f}"
        lines.append(f"| {way} | {values} | {spent} | {told} |")
    return "\n".join(lines)


def _told(row: Row) -> str:
    if "optimizer" in row.told:
        return f"{row.told['optimizer']} ({row.told['policy']}, {row.told['rate']:g})"
    return f"rate {row.told['rate']:g}" if row.told else "-"


def _spread(values: Sequence[float]) -> str:
    return f"{fmean(values):.4f} ± {stdev(values):.4f}" if len(values) > 1 else f"{values[0]:.4f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    rows = list[Row]()
    for row in rows_of(given.case, given.results):
        rows.append(row)
        print(f"{row.way}, seed {row.seed}: {row.last:.4f}, best {row.best:.4f}, {row.epochs:.0f} epochs", flush=True)
    print(f"\n{table(rows)}")
    return 0


if __name__ == "__main__":
    run(main)

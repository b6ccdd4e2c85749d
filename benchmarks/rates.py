"""Do learning rates that a training finds by itself end as well as tuned ones? At equal total steps, on small tasks.

    python -m benchmarks.rates [--quick] [--seeds 0 1 2 3 4 5] [--results DIR]

Each training is kept as a line of JSON; the same command goes on where it was stopped. Peaks are chosen by the mean
accuracy of the validation part, all figures are of the test part.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

from benchmarks.command import run
from benchmarks.learners import BATCH, LEARNERS, Outcome, trained
from nas.training.pieces import HELD_OUT

OPTIMIZERS = ("sgd", "adamw")
PEAKS = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
UNTUNED = (1e-3, 1e-2, 0.1)
OWN: Mapping[str, Any] = {
    "autolrs": "autolrs",
    "autolrs, two stages": {"name": "autolrs", "stages": 2},
    "autolrs-paper": "autolrs-paper",
}
SCHEDULES = ("cosine", "one-cycle", "constant")
_FORWARD = 1 / 3  # of a step's cost
_FEWER = {"Fashion-MNIST CNN": 4}  # seeds of the dearest task
Cell = tuple[str, str]  # learner and optimizer


def contestants() -> dict[str, dict[str, Any]]:
    """Return the recipes by name; those of a schedule are called "cosine 0.1"."""
    found = {name: {"policy": policy} for name, policy in OWN.items()}
    for schedule in SCHEDULES:
        found |= {f"{schedule} {peak:g}": {"policy": schedule, "learning_rate": peak} for peak in PEAKS}
    return found


def main() -> int:
    """Run what is missing, print the table, and write it beside the results."""
    flags = _flags()
    torch.set_num_threads(1)
    rows = list(_measured(flags))
    table = "\n".join(_table(rows))
    print(table)
    (flags.results / "rates.md").write_text(f"{table}\n")
    return 0


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rates", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one seed of one task")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(6)), metavar="N")
    parser.add_argument("--learners", nargs="+", choices=tuple(LEARNERS), default=list(LEARNERS), metavar="NAME")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="contestants; all where none is named")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/rates"), metavar="DIR")
    flags = parser.parse_args()
    if flags.quick:
        flags.seeds, flags.learners = flags.seeds[:1], flags.learners[:1]
    return flags


def _measured(flags: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield every training, those that are kept and those that are run now."""
    flags.results.mkdir(parents=True, exist_ok=True)
    file = flags.results / "rates.jsonl"
    kept = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    known = {(row["learner"], row["optimizer"], row["name"], row["seed"]): row for row in kept}
    with file.open("a") as lines:
        for learner, optimizer, name, seed in _asked(flags):
            row = known.get((learner, optimizer, name, seed)) or _row(learner, optimizer, name, seed)
            if (learner, optimizer, name, seed) not in known:
                print(json.dumps(row), file=lines, flush=True)
            yield row


def _asked(flags: argparse.Namespace) -> Iterator[tuple[str, str, str, int]]:
    for learner in flags.learners:
        for optimizer in OPTIMIZERS:
            for seed in flags.seeds[: _FEWER.get(learner)]:
                for name in flags.only or contestants():
                    yield learner, optimizer, name, seed


def _row(learner: str, optimizer: str, name: str, seed: int) -> dict[str, Any]:
    outcome = trained(learner, {"optimizer": optimizer, **contestants()[name]}, seed)
    told = {"learner": learner, "optimizer": optimizer, "name": name, "seed": seed}
    return {**told, "validation": outcome.validation, "test": outcome.test, **_of_search(outcome)}


def _of_search(outcome: Outcome) -> dict[str, Any]:
    """Return what a search for rates cost: all steps and forward passes, over the steps that led to the network."""
    policy: Any = outcome.training.policy
    if not hasattr(policy, "tried"):
        return {}
    tried, settings = policy.tried(), outcome.training.recipe.policy
    led = [each["steps"] for each in tried if each["chosen"] and settings.keep_on]
    wasted = sum(each["steps"] for each in tried) - sum(led)
    readings = len(tried) * (1 if settings.score == "average" else settings.readings) + 1
    forward = readings * len(outcome.training.pieces[HELD_OUT]) / BATCH * _FORWARD
    total = outcome.training.position
    return {"cost": (total + forward) / (total - wasted), "rates": [each["rate"] for each in tried if each["chosen"]]}


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    cells = list(dict.fromkeys((row["learner"], row["optimizer"]) for row in rows))
    yield "| | " + " | ".join(f"{learner}, {optimizer}" for learner, optimizer in cells) + " | mean | total/useful |"
    yield "|---" * (len(cells) + 3) + "|"
    for title, choose in _lines():
        found = [_of(rows, cell, choose) for cell in cells]
        means = [fmean(values) if values else None for values in found]
        if all(mean is None for mean in means):
            continue
        mean = f"{fmean(each for each in means if each is not None):.2f}"
        yield f"| {title} | " + " | ".join(map(_spread, found)) + f" | {mean} | {_cost(rows, title)} |"


def _lines() -> Iterator[tuple[str, Callable[[Sequence[Mapping[str, Any]]], str | None]]]:
    """Yield the title of each line of the table, and what chooses its contestant from the rows of a cell."""
    yield f"cosine, tuned peak ({len(PEAKS)} trainings)", lambda rows: _tuned(rows, "cosine")
    yield "one-cycle, tuned peak", lambda rows: _tuned(rows, "one-cycle")
    yield "constant, tuned", lambda rows: _tuned(rows, "constant")
    for name in OWN:
        yield name, _always(name)
    for peak in UNTUNED:
        yield f"cosine {peak:g}, untuned", _always(f"cosine {peak:g}")


def _always(name: str) -> Callable[[Sequence[Mapping[str, Any]]], str]:
    return lambda rows: name


def _tuned(rows: Sequence[Mapping[str, Any]], schedule: str) -> str | None:
    """Return which peak has the best mean accuracy on the validation part; a training that diverged counts as 0."""
    names = [f"{schedule} {peak:g}" for peak in PEAKS]
    means = {
        name: fmean(row["validation"] or 0.0 for row in rows if row["name"] == name)
        for name in names
        if any(row["name"] == name for row in rows)
    }
    return max(means, key=means.__getitem__) if means else None


def _of(rows: Sequence[Mapping[str, Any]], cell: Cell, choose: Callable[..., str | None]) -> list[float]:
    there = [row for row in rows if (row["learner"], row["optimizer"]) == cell]
    chosen = choose(there)
    return [row["test"] or 0.0 for row in there if row["name"] == chosen]


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    error = f" ± {stdev(values) / len(values) ** 0.5:.2f}" if len(values) > 1 else ""
    return f"{fmean(values):.2f}{error}"


def _cost(rows: Sequence[Mapping[str, Any]], title: str) -> str:
    costs = [row["cost"] for row in rows if row["name"] == title and "cost" in row]
    return f"{min(costs):.2f} to {max(costs):.2f}" if costs else "1"


if __name__ == "__main__":
    run(main)

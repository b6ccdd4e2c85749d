"""python -m benchmarks.hyper: do optimizers that learn their rate need one to be chosen?

Digits, by a network of two layers and by one of two convolutions: from every initial rate, at every height, and four
times as long, beside plain SGD with momentum and Adam at the same rates. Then the table of the paper's first section
of results, on Fashion-MNIST. A line of JSON is kept of every training, so that it goes on where it was stopped.
"""

import argparse
import json
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.command import run
from nas.data import load
from nas.runs.disk import write_atomically
from nas.training.optimizers import hyper

RATES = (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)
SEEDS, HEIGHTS, LONGER = (0, 1, 2), (1, 2, 3, 4, 5), 4
EPOCHS = {"MLP": 12, "CNN": 8, "paper": 1}
BATCH = {"MLP": 64, "CNN": 64, "paper": 300}
RESULTS = Path("benchmarks/results/hyper")
METHODS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "SGD momentum": lambda weights, rate, tower: torch.optim.SGD(weights, rate, momentum=0.9),
    "Adam": lambda weights, rate, tower: torch.optim.Adam(weights, rate),
    "hyper-sgd": lambda weights, rate, tower: hyper.SGD(weights, rate, momentum=0.9, tower=tower),
    "hyper-adam": lambda weights, rate, tower: hyper.Adam(weights, rate, tower=tower),
}
LEVEL = {"hyper-sgd": "sgd:0.2", "hyper-adam": "adam:0.1"}
# The paper's rows: optimizer, rate, tower, what learns, and its accuracy on MNIST (arXiv 1909.13371v1).
PAPER: dict[str, tuple[type[torch.optim.Optimizer], float, str, str, float]] = {
    "SGD": (hyper.SGD, 0.01, "", "rate", 77.48),
    "SGD / SGD": (hyper.SGD, 0.01, "sgd:0.01", "rate", 88.35),
    "SGD / Adam": (hyper.SGD, 0.01, "adam:0.001", "rate", 86.80),
    "Adam": (hyper.Adam, 0.001, "", "rate", 91.09),
    "Adam / SGD at 1e-5": (hyper.Adam, 0.001, "sgd:0.00001", "all", math.nan),
    "Adam / SGD / SGD": (hyper.Adam, 0.001, "sgd:0.001/sgd:0.0001", "all", 92.74),
    "Adam, rate only / SGD / SGD": (hyper.Adam, 0.001, "sgd:0.001/sgd:0.0001", "rate", 92.64),
    "Adam / Adam": (hyper.Adam, 0.001, "adam:0.001", "all", 94.35),
    "Adam, rate only / Adam": (hyper.Adam, 0.001, "adam:0.001", "rate", 94.01),
}
AGAIN = {  # with what was learned at the end, fixed
    "SGD / SGD": 88.81, "SGD / Adam": 87.71, "Adam / SGD / SGD": 93.74, "Adam, rate only / SGD / SGD": 93.42,
    "Adam / Adam": 94.75, "Adam, rate only / Adam": 94.39,
}  # fmt: skip
GUARDED = {"guarded hyper-sgd": hyper.SGD, "guarded hyper-adam": hyper.Adam}


@dataclass(frozen=True)
class Cell:
    """One training."""

    task: str
    method: str
    rate: float
    height: int
    longer: int
    seed: int


@dataclass(frozen=True)
class Outcome:
    """How it ended: mean loss of the last epoch, share of test images that were right, and what was learned."""

    loss: float
    accuracy: float
    learned: dict[str, float]


def cells() -> Iterator[Cell]:
    """Yield every training of the tables on digits."""
    for task in ("MLP", "CNN"):
        for rate in RATES:
            for seed in SEEDS:
                for longer in (1, LONGER):
                    yield from (Cell(task, method, rate, int(method in LEVEL), longer, seed) for method in METHODS)
                yield from (Cell(task, method, rate, height, 1, seed) for method in LEVEL for height in HEIGHTS[1:])


def of_paper() -> Iterator[Cell]:
    """Yield every training of the paper's table, those again with what was learned after those that learned it."""
    for seed in SEEDS:
        yield from (Cell("paper", method, PAPER[method][1], PAPER[method][2].count(":"), 1, seed) for method in PAPER)
        yield from (Cell("paper", f"{method}, again", 0.0, 0, 1, seed) for method in AGAIN)
        yield from (Cell("paper", method, 0.001, 1, 1, seed) for method in GUARDED)


def trained(cell: Cell, known: dict[Cell, Outcome]) -> Outcome:
    """Return how the training ends. Its weights and batches hang on the seed alone."""
    if not _usable(cell, known):
        return Outcome(math.nan, math.nan, {})
    torch.manual_seed(cell.seed)
    (pixels, labels), test = images(cell.task, "train"), images(cell.task, "test")
    model = network(cell.task)
    optimizer = made(cell, list(model.parameters()), known)
    draws, size = torch.Generator().manual_seed(cell.seed), BATCH[cell.task]
    losses, count = list[float](), len(labels) // size
    for _ in range(EPOCHS[cell.task] * cell.longer):
        total, order = torch.zeros(()), torch.randperm(len(labels), generator=draws)
        for batch in order[: count * size].split(size):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(pixels[batch]), labels[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.detach()
        losses.append(total.item() / count)
        if not math.isfinite(losses[-1]):
            break
    with torch.inference_mode():
        right = (model(test[0]).argmax(1) == test[1]).double().mean().item()
    return Outcome(losses[-1], right, getattr(optimizer, "hyperparameters", lambda: [{}])()[0])


def _usable(cell: Cell, known: dict[Cell, Outcome]) -> bool:
    """Return whether what is to be used again was learned at all: without guards a rate may end at nan, or below 0."""
    return not cell.method.endswith(", again") or 0 < known[_first_of(cell)].learned["rate"] < math.inf


def _first_of(cell: Cell) -> Cell:
    """Return the training that learned what this one uses again."""
    name = cell.method.removesuffix(", again")
    _, rate, tower, _, _ = PAPER[name]
    return Cell("paper", name, rate, tower.count(":"), 1, cell.seed)


def made(cell: Cell, weights: list[nn.Parameter], known: dict[Cell, Outcome]) -> torch.optim.Optimizer:
    """Return the optimizer of a training."""
    if cell.method in METHODS:
        tower = "/".join([LEVEL.get(cell.method, "")] * cell.height)
        return METHODS[cell.method](weights, cell.rate, tower)
    if cell.method in GUARDED:
        return GUARDED[cell.method](weights, cell.rate)
    name = cell.method.removesuffix(", again")
    kind, rate, tower, learns, _ = PAPER[name]
    if name == cell.method:
        return kind(weights, rate, tower=tower, learn=learns, guarded=False)  # type: ignore[call-arg]
    learned = known[_first_of(cell)].learned
    betas = {"betas": (learned["beta1"], learned["beta2"])} if kind is hyper.Adam else {}
    return kind(weights, learned["rate"], tower="", **betas)  # type: ignore[call-arg]


def network(task: str) -> nn.Module:
    """Return the network of a task; that of the paper's program has a tanh after its last layer, too."""
    if task == "CNN":
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10),
        )  # fmt: skip
    layers = [nn.Flatten(), nn.Linear(784 if task == "paper" else 64, 128), nn.Tanh(), nn.Linear(128, 10)]
    return nn.Sequential(*layers, *([nn.Tanh()] if task == "paper" else []))


@cache
def images(task: str, part: str) -> tuple[Tensor, Tensor]:
    """Return pixels, float32 [n, 1, h, w] in 0 .. 1, and labels."""
    found = load("fashion-mnist" if task == "paper" else "digits", part)
    assert found.pixels is not None
    return found.pixels.float() / 255, found.labels


def table(known: dict[Cell, Outcome]) -> str:
    """Return all tables as Markdown."""
    lines = list[str]()
    for task in ("MLP", "CNN"):
        for longer in (1, LONGER):
            best = max(
                mean(known, Cell(task, each, rate, 0, longer, 0)) for each in ("SGD momentum", "Adam") for rate in RATES
            )
            lines += [f"{task}, {EPOCHS[task] * longer} epochs, test %; best plain rate: {100 * best:.1f}", ""]
            lines += ["| initial rate | " + " | ".join(f"{rate:g}" for rate in RATES) + " |", "|---" * 8 + "|"]
            for method in METHODS:
                row = [Cell(task, method, rate, int(method in LEVEL), longer, 0) for rate in RATES]
                lines.append(f"| {method} | " + " | ".join(shown(known, cell) for cell in row) + " |")
            lines.append("")
        lines += [f"{task}, the worst of the seven rates by height, test %", ""]
        lines += ["| height | " + " | ".join(map(str, HEIGHTS)) + " |", "|---" * 6 + "|"]
        for method in LEVEL:
            worst = [min(mean(known, Cell(task, method, rate, height, 1, 0)) for rate in RATES) for height in HEIGHTS]
            lines.append(f"| {method} | " + " | ".join(f"{100 * each:.1f}" for each in worst) + " |")
        lines.append("")
    return "\n".join([*lines, ""])


def papers(known: dict[Cell, Outcome]) -> str:
    """Return the paper's table as Markdown, in the order of its accuracies."""
    rows = {method: published for method, (*_, published) in PAPER.items()}
    rows |= {f"{method}, again": published for method, published in AGAIN.items()}
    lines = [
        "784-128-10 tanh, batch 300, one epoch, test %",
        "",
        "| | Fashion-MNIST | the paper, MNIST |",
        "|---|---|---|",
    ]
    firsts = {cell.method: cell for cell in of_paper() if cell.seed == SEEDS[0]}
    rows = {method: published for method, published in rows.items() if not math.isnan(published)}
    order = sorted(firsts, key=lambda each: rows.get(each, 100))
    lines += [f"| {method} | {shown(known, firsts[method])} | {rows.get(method, '')} |" for method in order]
    return "\n".join([*lines, ""])


def accuracies(known: dict[Cell, Outcome], cell: Cell) -> list[float]:
    return [known[same].accuracy for seed in SEEDS if (same := replace(cell, seed=seed)) in known]


def mean(known: dict[Cell, Outcome], cell: Cell) -> float:
    return statistics.mean(accuracies(known, cell) or [math.nan])


def shown(known: dict[Cell, Outcome], cell: Cell) -> str:
    found = accuracies(known, cell)
    spread = f" +- {100 * statistics.stdev(found) / math.sqrt(len(found)):.1f}" if len(found) > 1 else ""
    return f"{100 * mean(known, cell):.1f}{spread}" if found else ""


def kept(file: Path) -> dict[Cell, Outcome]:
    """Return what is kept, without a half-written last line."""
    whole = file.read_text().rpartition("\n")[0] if file.exists() else ""
    found = (json.loads(line) for line in whole.splitlines())
    return {Cell(**each["cell"]): Outcome(**each["outcome"]) for each in found}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="one seed, nothing longer, heights to 2, not the paper's table"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    file = asked.results / "trainings.jsonl"
    asked.results.mkdir(parents=True, exist_ok=True)
    known = kept(file)
    write_atomically(file, (line(cell, outcome) for cell, outcome in known.items()))
    todo: Sequence[Cell] = [*cells(), *of_paper()]
    if asked.quick:
        todo = [
            each for each in todo if each.seed == 0 and each.longer == 1 and each.height <= 2 and each.task != "paper"
        ]
    for number, cell in enumerate(todo):
        if cell not in known:
            known[cell] = trained(cell, known)
            with file.open("a") as lines:
                lines.write(line(cell, known[cell]))
            print(f"{number + 1} of {len(todo)}: {cell}: {100 * known[cell].accuracy:.1f} %", flush=True)
    tables = table(known) + ("" if asked.quick else papers(known))
    (asked.results / "README.md").write_text(f"# Optimizers that learn their rates\n\n{tables}")
    print(tables)
    return 0


def line(cell: Cell, outcome: Outcome) -> str:
    return json.dumps({"cell": asdict(cell), "outcome": asdict(outcome)}) + "\n"


if __name__ == "__main__":
    run(main)

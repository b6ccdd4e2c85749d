"""How good is an incumbent really? Trained on all training images with several seeds, each tested and kept."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nas.disk import write_atomically
from nas.errors import Diverged
from nas.evaluate import Evaluator
from nas.saved import Saved
from nas.types import Config, canonical

FILE = "tests.jsonl"


@dataclass(frozen=True)
class Judged:
    """One training of a configuration: its test metrics, and which test images it got right.

    `right` has "1" for an image whose class is the first guess, `right3` where it is among the first three. A training
    that diverged has no metrics.
    """

    config: str
    seed: int
    metrics: dict[str, float]
    right: str
    right3: str


def judge(saved: Saved, folder: Path, seeds: int, evaluator: Evaluator) -> list[Judged]:
    """Return `seeds` trainings of a saved configuration; those that are in `folder` already are not repeated."""
    config, kept = Config.of(saved.config), list(read(folder))
    known = {each.seed: each for each in kept if each.config == config.id}
    for seed in range(saved.seed, saved.seed + seeds):
        if seed not in known:
            known[seed] = _trained(config, saved.epochs, seed, evaluator)
            kept.append(known[seed])  # what diverged does so again
            write_atomically(folder / FILE, (canonical(each.__dict__) + "\n" for each in kept))
    return [known[seed] for seed in range(saved.seed, saved.seed + seeds)]


def _trained(config: Config, epochs: int, seed: int, evaluator: Evaluator) -> Judged:
    try:
        tested = evaluator.test(config, epochs, seed)
    except Diverged:
        return Judged(config.id, seed, {}, "", "")
    assert tested.predictions
    logits, labels = tested.predictions.logits, tested.predictions.labels
    hits = logits.topk(min(3, logits.shape[1]), dim=1).indices == labels[:, None]
    right, right3 = ("".join("01"[hit] for hit in each.tolist()) for each in (hits[:, 0], hits.any(1)))
    return Judged(config.id, seed, tested.metrics, right, right3)


def read(folder: Path) -> Iterator[Judged]:
    """Yield what `folder` holds; a line that is not whole is passed over, its training is done again."""
    path = folder / FILE
    for line in path.read_text(errors="replace").splitlines() if path.exists() else ():
        with suppress(ValueError, TypeError):
            yield Judged(**json.loads(line))

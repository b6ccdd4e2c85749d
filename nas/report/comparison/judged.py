"""What is kept of a network that a comparison tested? One line a training in tests.jsonl, beside the run's journal."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nas.runs.disk import read_text

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


def read(folder: Path) -> Iterator[Judged]:
    """Yield what `folder` holds; a line that is not whole is passed over, its training is done again."""
    path = folder / FILE
    for line in read_text(path, "replace").splitlines() if os.path.lexists(path) else ():
        with suppress(ValueError, TypeError):
            yield Judged(**json.loads(line))


def faults_of(folder: Path) -> Iterator[str]:
    """Yield the number of lines that are not whole, where there are any."""
    path = folder / FILE
    if os.path.lexists(path):
        lost = len(read_text(path, "replace").splitlines()) - len(list(read(folder)))
        if lost:
            yield f"{path}: {lost} lines are not whole; nas resume tests those networks again"

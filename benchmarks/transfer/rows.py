"""What did a method reach on a case? Regret and rank by epochs spent: one line of JSON, kept and not run twice."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time

import numpy as np

from benchmarks.transfer.cases import Case, cases
from benchmarks.transfer.database import Database
from benchmarks.transfer.methods import METHODS
from benchmarks.transfer.old import known
from benchmarks.transfer.regret import ranks, regrets

SHOWN = {"HyperRec": (0, 1, 5, 10, 25, 50, 75, 100, 150, 225), "LCBench": (0, 1, 5, 10, 25, 52, 75, 100, 156, 260)}
_SPREAD = (*range(20), *(round(20 * 1.06**i) for i in range(63)))
BUDGETS = tuple(sorted({*_SPREAD, *SHOWN["HyperRec"], *SHOWN["LCBench"]}))
Key = tuple[str, str, str, str, int, int]


@dataclass(frozen=True)
class Row:
    """Means over repetitions of `method` on a case, at BUDGETS as far as it went; CPU seconds of one repetition."""

    database: str
    protocol: str
    method: str
    new: str
    seed: int
    draw: int
    regret: tuple[float, ...]
    rank: tuple[float, ...]
    seconds: float

    @property
    def key(self) -> Key:
        return self.database, self.protocol, self.method, self.new, self.seed, self.draw


def rows(database: Database, protocol: str, methods: Iterable[str], file: Path) -> Iterator[Row]:
    """Yield every row that is asked for: what `file` keeps, and what is run now and then kept there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    before = {row.key: row for row in read(file)}
    with file.open("a") as lines:
        for method in methods:
            for case in cases(database, protocol):
                key = (database.name, protocol, method, case.new, case.seed, case.draw)
                row = before.get(key) or measured(database, protocol, method, case)
                if key not in before:
                    print(json.dumps(asdict(row)), file=lines, flush=True)
                yield row


def read(file: Path) -> list[Row]:
    """Return the rows that `file` keeps; a half-written last line is as if it had never been."""
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return [_row(json.loads(line)) for line in lines if line.endswith("\n")]


def measured(database: Database, protocol: str, name: str, case: Case) -> Row:
    """Return what the method `name` reaches on a case."""
    method, old = METHODS[name], known(database, case)
    new = database.curves(case.seed, case.new)[0]
    budgets = [each for each in BUDGETS if each <= method.trainings * database.epochs]
    began = process_time()
    found = np.array(
        [
            method.recommend(old, lambda config, epoch: float(new[config, epoch - 1]), budgets[-1], repeat)[budgets]
            for repeat in range(method.repeats)
        ]
    )
    seconds = (process_time() - began) / method.repeats
    regret, rank = regrets(new)[found].mean(axis=0), ranks(new)[found].mean(axis=0)
    return Row(
        database.name, protocol, name, case.new, case.seed, case.draw,
        tuple(regret.round(5).tolist()), tuple(rank.round(2).tolist()), round(seconds, 3),
    )  # fmt: skip


def _row(fields: dict[str, object]) -> Row:
    return Row(**{name: tuple(each) if isinstance(each, list) else each for name, each in fields.items()})  # type: ignore[arg-type]

"""What is in a public database of learning curves? HyperRec and LCBench, as tables of equal length."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas.core.errors import UserError

Floats = NDArray[np.float64]
FILES = ("curves.npz", "configs.parquet", "train_test_pairs.json")


@dataclass(frozen=True)
class Database:
    """Every configuration was trained on every task, for as many epochs; `pairs` are old tasks with a new one."""

    name: str
    tasks: tuple[str, ...]
    accuracy: Floats  # [seeds, tasks, configurations, epochs], in [0, 1]
    configs: tuple[Mapping[str, Any], ...]  # columns that vary, inactive ones left out
    pairs: tuple[tuple[tuple[str, ...], str], ...]

    @property
    def epochs(self) -> int:
        return int(self.accuracy.shape[3])

    def index(self, task: str) -> int:
        return self.tasks.index(task)


def family(task: str) -> str:
    """Return whose part the task is, as SUN397SUB1 is of SUN397; a task that is no part is its own family."""
    return re.sub(r"SUB\d+$", "", task)


def load(name: str, folder: Path) -> Database:
    """Return the database `name`, HyperRec or LCBench, whose files are in `folder`. Raises UserError where not."""
    import pyarrow.parquet

    for file in FILES:
        if not (folder / file).is_file():
            raise UserError(f"{folder} has no {file}: give the folder of {name} by --{name.lower()}")
    with np.load(folder / FILES[0], allow_pickle=False) as arrays:
        accuracy, tasks = arrays["accuracy"], tuple(str(task) for task in arrays["tasks"])
    rows = pyarrow.parquet.read_table(folder / FILES[1]).drop(["config_id"]).to_pylist()
    varying = [key for key in rows[0] if len({row[key] for row in rows}) > 1]
    configs = tuple({key: row[key] for key in varying if row[key] is not None} for row in rows)
    pairs = json.loads((folder / FILES[2]).read_text())[name]
    return Database(name, tasks, accuracy, configs, tuple((tuple(old.split(",")), new) for old, new in pairs))

"""What is in a public database of learning curves? HyperRec and LCBench, as tables of equal length."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas.core.errors import UserError

Floats = NDArray[np.float64]
NAMES = ("HyperRec", "LCBench")
FILES = ("curves.npz", "configs.parquet")
PAIRS = {  # published with the databases: old tasks, and a new one
    "HyperRec": (
        (("IMAGENET64SUB1", "SUN397SUB3", "SUN397SUB2", "OIPETS"), "CIFAR100"),
        (("PLACE365SUB3", "FLOWER102", "AWA2", "PLANT39"), "IP102"),
        (("PLACE365SUB1", "FOOD101", "CIFAR10", "BOOKCOVER30"), "SCENE15"),
        (("SUN397SUB1", "IMAGENET64SUB3", "CALTECH256", "CARS196"), "CUB200"),
        (("IMAGENET64SUB2", "ISR", "PLACE365SUB2", "SDD"), "RESISC45"),
    ),
    "LCBench": (
        (("Australian", "blood-transfusion-service-center", "mfeat-factors", "connect-4"), "adult"),
        (("dionis", "volkert", "higgs", "sylvine"), "jasmine"),
        (("kc1", "vehicle", "KDDCup09_appetency", "Amazon_employee_access"), "numerai28.6"),
        (("nomao", "fabert", "jungle_chess_2pcs_raw_endgame_complete", "credit-g"), "phoneme"),
        (("airlines", "covertype", "jannis", "APSFailure"), "shuttle"),
    ),
}
_LOGARITHMIC = {"lr", "weight_decay", "adam_beta0", "adam_beta1", "sgd_momentum", "learning_rate", "max_units"}


@dataclass(frozen=True)
class Database:
    """Every configuration was trained on every task, for as many epochs."""

    name: str
    tasks: tuple[str, ...]
    accuracy: Floats  # [seeds, tasks, configurations, epochs], in [0, 1]
    features: Floats  # [configurations, dimensions], in the unit cube

    @property
    def epochs(self) -> int:
        return int(self.accuracy.shape[3])

    @property
    def pairs(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        return PAIRS[self.name]

    def curves(self, seed: int, *tasks: str) -> Floats:
        """Return the accuracies of these tasks, [tasks, configurations, epochs]."""
        return self.accuracy[seed, [self.tasks.index(task) for task in tasks]]


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
    return Database(name, tasks, accuracy, _features(rows))


def _features(rows: Sequence[Mapping[str, Any]]) -> Floats:
    """Return configurations in the unit cube: a column a choice, numbers on their scale, inactive ones 0."""
    columns = list[Floats]()
    for key in rows[0]:
        values = [row[key] for row in rows]
        known = sorted({value for value in values if value is not None})
        if len(known) < 2 or key == "cyclic_base_lr":
            continue
        if isinstance(known[0], str):
            columns += [np.array([float(value == each) for value in values]) for each in known]
            continue
        numbers = np.array([known[0] if value is None else value for value in values], dtype=float)
        scaled = np.log(numbers) if key in _LOGARITHMIC else numbers
        columns.append((scaled - scaled.min()) / (scaled.max() - scaled.min()))
    return np.stack(columns, axis=1)

"""What is in a public database of learning curves? HyperRec and LCBench, as tables of equal length."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace
from numpy.typing import NDArray

import nas.history.lcbench
import search_spaces.hyperrec
from nas.core.configuration import checked_config
from nas.history.sources import hyperrec, lcbench
from nas.history.sources.published import Database as Source
from nas.history.sources.published import read
from nas.transfer.past import features

Floats = NDArray[np.float64]
NAMES = ("HyperRec", "LCBench")
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


def load(name: str, folder: Path | None) -> Database:
    """Return the database `name`, HyperRec or LCBench, from `folder`, or downloaded and then kept.

    Raises UserError where it does not hold what was published.
    """
    source, published, space = _SOURCES[name]
    table = read(source, folder)
    configs = [
        checked_config(space, published(row), f"{name}, configuration {i}") for i, row in enumerate(table.configs)
    ]
    return Database(name, table.tasks, table.accuracy, features(space, configs))


_SOURCES: Mapping[str, tuple[Source, Callable[[Mapping[str, Any]], dict[str, Any]], ConfigurationSpace]] = {
    "HyperRec": (hyperrec.DATABASE, search_spaces.hyperrec.published, search_spaces.hyperrec.space()),
    "LCBench": (lcbench.DATABASE, dict, nas.history.lcbench.space()),
}

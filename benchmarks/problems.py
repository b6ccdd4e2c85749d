"""On what do the contestants meet? Tables of known results, each with bounds that so many configurations meet.

A problem is named TABLE/KIND/SHARE: `protein_structure/both/20` bounds parameters and training time so that 20 % of
random configurations meet both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from benchmarks.tables.curves import hyperrec, lcbench
from benchmarks.tables.flowers import flowers
from benchmarks.tables.graphs import graphs
from benchmarks.tables.hpolib import hpolib
from benchmarks.tables.lookup import Lookup
from benchmarks.tables.perceptrons import DATASETS as OF_PERCEPTRONS
from benchmarks.tables.perceptrons import perceptrons
from nas.core.constraints import Constraint
from nas.core.errors import UserError

DATA = Path("../shared/data")
SAMPLES = 4000  # random configurations that the bounds are quantiles of


@dataclass(frozen=True)
class Table:
    """A table, the metrics that may be bounded before and after training, and the shortest training.

    `load` takes the path of `source`, which lies in DATA; without one the table comes in a package. `shares` are
    percentages: how much of random configurations meets the bounds, or of all of them where the table is `counted`.
    `always` are constraints that hold whatever the bounds. `together` where both metrics are bounded at once, too.
    """

    load: Callable[[Path], Lookup]
    cheap: str
    expensive: str
    min_epochs: int = 1
    source: str = ""
    shares: tuple[float, ...] = (5, 20, 50)
    counted: bool = False
    always: tuple[Constraint, ...] = ()
    together: bool = True

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which constraints there are."""
        both = self.together and self.cheap and self.expensive
        there = {"cheap": self.cheap, "expensive": self.expensive, "both": both}
        return tuple(kind for kind, metric in there.items() if metric)


TABLES = {
    **{name: Table(lambda _, name=name: hpolib(name), "params", "train_time") for name in (
        "naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization",
    )},
    **{name: Table(lambda path, name=name: lcbench(path, name), "params", "", 5, "lcbench") for name in (
        "Fashion-MNIST", "jannis", "volkert",
    )},
    **{f"{one}-{two}": Table(
        lambda path, one=one, two=two: hyperrec(path, one, two), "", "second_accuracy", 8, "hyperrec"
    ) for one, two in (("CIFAR100", "SCENE15"), ("FLOWER102", "PLANT39"), ("CUB200", "CARS196"))},
    "flowers": Table(flowers, "params", "precision", source="reference_runs/evaluations.csv"),
    **{f"graph-{name}": Table(
        lambda path, name=name: graphs(path, name), "params", "latency", source="nasbench_graph/nasbench_graph.parquet",
        counted=True, always=(Constraint("illegal", "<=", 0),), together=False,
    ) for name in ("arxiv", "cora", "photo", "physics")},
    **{f"mlp-{name}": Table(
        lambda _, name=name: perceptrons(name), "", "precision", shares=(0.5, 5, 50), counted=True
    ) for name in OF_PERCEPTRONS},
}  # fmt: skip
LEFT_OUT = ("slice_localization", "CUB200-CARS196")  # nothing was designed on them
NAMES = tuple(
    f"{name}/{kind}/{share}" for name, table in TABLES.items() for kind, share in product(table.kinds, table.shares)
)


def table_of(problem: str) -> str:
    """Return the name of the table that the problem is on."""
    return problem.split("/")[0]


def has_curves(problem: str) -> bool:
    """Return whether shorter trainings are known."""
    return TABLES[table_of(problem)].min_epochs > 1


def unordered(problem: str) -> bool:
    """Return whether the space is all choices without an order."""
    return table_of(problem).startswith("graph-")


def has_expensive(problem: str) -> bool:
    """Return whether a constraint is known after training only."""
    return problem.split("/")[1] != "cheap"


def has_rare(problem: str) -> bool:
    """Return whether what is known after training only is met by a twentieth at most."""
    return problem.split("/")[1] == "expensive" and share_of(problem) <= 5


def share_of(problem: str) -> float:
    """Return the percentage of configurations that meet the bounds."""
    return float(problem.split("/")[2])


def has_middle_share(problem: str) -> bool:
    """Return whether the share is neither the smallest nor the largest of its table."""
    return share_of(problem) == sorted(TABLES[table_of(problem)].shares)[1]


def left_out(problem: str) -> bool:
    """Return whether nothing was designed on this problem."""
    return table_of(problem) in LEFT_OUT


@dataclass(frozen=True)
class Problem:
    """A search with its bounds, and the best feasible loss of a full training, None where it is not known.

    A loss is to be minimised: the objective, or its negative. `worst` is the largest of random configurations.
    """

    name: str
    lookup: Lookup
    constraints: tuple[Constraint, ...]
    min_epochs: int
    best: float | None
    worst: float

    @property
    def sign(self) -> float:
        """What makes a loss of the objective."""
        return -1.0 if self.lookup.maximize else 1.0

    @property
    def cheap(self) -> tuple[Constraint, ...]:
        """The constraints that are known before training."""
        return tuple(c for c in self.constraints if c.metric in self.lookup.cheap)


@cache
def table(name: str) -> Lookup:
    """Return a table, read once a process. Raises UserError where it cannot be read."""
    entry = TABLES[name]
    try:
        return entry.load(DATA / entry.source)
    except UserError:
        raise
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise UserError(f"the table {name} cannot be read from {DATA / entry.source}: {error}") from None


@cache
def problem(name: str) -> Problem:
    """Return the problem of that name. Raises UserError where its table cannot be read."""
    table_name, kind, _ = name.split("/")
    entry, lookup = TABLES[table_name], table(table_name)
    bounded = [entry.cheap] * (kind != "expensive") + [entry.expensive] * (kind != "cheap")
    values = (_known(table_name) if entry.counted else None) or _sampled(table_name)
    downwards = {metric: -1.0 if _at_least(metric) else 1.0 for metric in bounded}
    columns = np.stack([values[metric] * downwards[metric] for metric in bounded])
    bounds = _bounds(columns, share_of(name) / 100)
    constraints = entry.always + tuple(
        Constraint(metric, ">=" if _at_least(metric) else "<=", float(bound * downwards[metric]))
        for metric, bound in zip(bounded, bounds, strict=True)
    )
    sign = -1.0 if lookup.maximize else 1.0
    best, worst = _best(table_name, constraints), float(np.max(sign * values[lookup.objective]))
    return Problem(name, lookup, constraints, entry.min_epochs, best, worst)


def _at_least(metric: str) -> bool:
    return metric in ("second_accuracy", "precision")


def _bounds(columns: np.ndarray, share: float) -> np.ndarray:
    """Return the same quantile of each row of `columns` [metrics, samples], such that `share` meets all of them."""
    low, high = share, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        met = np.mean((columns <= np.quantile(columns, middle, axis=1)[:, None]).all(axis=0))
        low, high = (middle, high) if met < share else (low, middle)
    return np.quantile(columns, high, axis=1, method="higher")


@cache
def _sampled(name: str) -> dict[str, np.ndarray]:
    """Return every metric of SAMPLES random configurations, fully trained."""
    lookup = table(name)
    lookup.space.seed(0)
    configs = [dict(config) for config in lookup.space.sample_configuration(SAMPLES)]
    return _columns(lookup, configs)


def _columns(lookup: Lookup, configs: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    rows = [
        {
            **{name: measure(config) for name, measure in lookup.cheap.items()},
            **lookup.metrics(config, lookup.max_epochs),
        }
        for config in configs
    ]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@cache
def _known(name: str) -> dict[str, np.ndarray] | None:
    """Return every metric of every row of a table."""
    lookup = table(name)
    return _columns(lookup, [dict(config) for config in lookup.every()]) if lookup.every else None


def _best(name: str, constraints: tuple[Constraint, ...]) -> float | None:
    """Return the least loss of the rows that meet `constraints`."""
    known, lookup = _known(name), table(name)
    if known is None:
        return None
    feasible = np.ones(len(known[lookup.objective]), dtype=bool)
    for c in constraints:
        feasible &= known[c.metric] >= c.bound if c.relation == ">=" else known[c.metric] <= c.bound
    return float(np.min((-1.0 if lookup.maximize else 1.0) * known[lookup.objective][feasible]))

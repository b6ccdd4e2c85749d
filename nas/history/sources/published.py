"""How does a published database of learning curves get here, whole and unchanged, without running code of others?

Both come from the repository of Xiao, Xing and Neiswanger, "Amortized Auto-Tuning" (arXiv:2106.09179, 2021), MIT.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas.core.errors import UserError
from nas.core.extra import extra
from nas.core.plain import canonical, plain
from nas.core.types import Config
from nas.data.download import cache_dir, fetch
from nas.history.sources.unpickled import unpickled
from nas.history.values import Curve
from nas.runs.disk import replacing

COMMIT = "027fdb302fbb4a5ddadde562f1955b059cc9bbac"
_URL = "https://raw.githubusercontent.com/xiaoyuxin1002/amortized-auto-tuning"
_CONFIGS, _PROFILES = "configs.pkl", "profiles.pkl"
Row = dict[str, Any]  # a configuration by the names of its columns; None: inactive


@dataclass(frozen=True)
class Database:
    """Where it comes from, and what it must hold: `digest` is that of the content, whatever file that came in."""

    name: str
    folder: str
    digest: str
    columns: tuple[str, ...]
    flat: Callable[[Mapping[str, Any]], Row]  # of a configuration as the pickle has it
    url: str = f"{_URL}/{COMMIT}/data"


@dataclass(frozen=True)
class Table:
    """`accuracy` [seeds, tasks, configurations, epochs], float64; tasks are sorted."""

    tasks: tuple[str, ...]
    accuracy: NDArray[np.float64]
    configs: tuple[Row, ...]

    @property
    def digest(self) -> str:
        """BLAKE2b, 16 bytes in hex, of names, configurations and every bit of the curves."""
        configs = [
            {name: float(each) if isinstance(each, int) else each for name, each in row.items()} for row in self.configs
        ]
        found = blake2b(canonical([self.tasks, self.accuracy.shape, configs]).encode(), digest_size=16)
        found.update(np.ascontiguousarray(self.accuracy, "<f8").data)
        return found.hexdigest()


def read(database: Database, folder: Path | None = None) -> Table:
    """Return the table, from the cache, from a `folder`, or downloaded and then kept.

    The folder holds the two pickles of the repository, or curves.npz and configs.parquet. Raises UserError where a file
    is missing or broken, or anything in it differs from what was published.
    """
    if folder:
        return _checked(_from_folder(database, folder), database, str(folder))
    home = cache_dir() / database.name
    kept = home / "curves.npz"
    if kept.is_file():
        return _checked(_kept(kept), database, f"{kept} (remove it to have it made again)")
    for name in (_CONFIGS, _PROFILES):
        fetch(f"{database.url}/{database.folder}/{name}", None, home / name)
    table = _checked(_from_pickles(database, home), database, f"{home} (remove it to download again)")
    with replacing(kept) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file, accuracy=table.accuracy, tasks=np.array(table.tasks), configs=np.array(canonical(table.configs))
        )
    return table


def curves(table: Table, configs: Sequence[Config]) -> list[Curve]:
    """Return the curves of a table, whose configurations are `configs`."""
    full = table.accuracy.shape[-1]
    return [
        Curve(task, config, seed, dict(enumerate(({"accuracy": v} for v in values), 1)), full_epochs=full)
        for seed, tasks in enumerate(table.accuracy.tolist())
        for task, rows in zip(table.tasks, tasks, strict=True)
        for config, values in zip(configs, rows, strict=True)
    ]


def _checked(table: Table, database: Database, where: str) -> Table:
    if table.digest != database.digest:
        raise UserError(f"{where} does not hold what was published as {database.name}: {table.digest}")
    return table


def _kept(path: Path) -> Table:
    found = _arrays(path, ("accuracy", "tasks", "configs"))
    return Table(tuple(found["tasks"].tolist()), found["accuracy"], tuple(json.loads(str(found["configs"]))))


def _from_folder(database: Database, folder: Path) -> Table:
    if (folder / _PROFILES).exists():
        return _from_pickles(database, folder)
    for name in ("curves.npz", "configs.parquet"):
        if not (folder / name).is_file():
            raise UserError(f"{folder} has no {name}: it must hold {_CONFIGS} and {_PROFILES}, or curves.npz and that")
    found, parquet = _arrays(folder / "curves.npz", ("accuracy", "tasks")), extra("pyarrow.parquet")
    try:
        rows = parquet.read_table(folder / "configs.parquet").to_pylist()
        configs = tuple({name: row[name] for name in database.columns} for row in rows)
    except (KeyError, OSError, ValueError) as error:
        raise UserError(f"{folder / 'configs.parquet'} has no configurations of {database.name}: {error!r}") from None
    return Table(tuple(found["tasks"].tolist()), found["accuracy"], configs)


def _arrays(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except Exception as error:  # a broken archive raises whatever the broken bytes lead to
        raise UserError(f"{path} is no whole file of curves ({error!r}): remove it, and get it again") from None


def _from_pickles(database: Database, folder: Path) -> Table:
    """Return the table of configs[id] and of profiles[seed][task][id], an array of accuracies by epoch."""
    configs, profiles = unpickled(folder / _CONFIGS), unpickled(folder / _PROFILES)
    try:
        seeds = sorted(profiles) if isinstance(profiles, Mapping) else range(len(profiles))
        tasks = tuple(sorted(profiles[seeds[0]]))
        numbers = sorted(profiles[seeds[0]][tasks[0]])
        curves = [[[profiles[seed][task][number] for number in numbers] for task in tasks] for seed in seeds]
        found = [database.flat(configs[number]) for number in numbers]
        rows = tuple({name: plain(row.get(name)) for name in database.columns} for row in found)
        return Table(tasks, np.array(curves, np.float64), rows)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{folder} does not hold the curves of {database.name} as published: {error!r}") from None

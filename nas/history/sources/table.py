"""What does a table of somebody's give? A row an epoch: its task, seed, epoch, hyperparameters and metrics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas.core import parts
from nas.core.configuration import checked_config
from nas.core.errors import UserError
from nas.core.types import Config
from nas.history.sources.cells import is_empty, meant, number, whole
from nas.history.sources.found import Found
from nas.history.sources.rows import read
from nas.history.spaces import Known
from nas.history.values import Curve, Task

_CONFIG, _METRIC = "config.", "metric."  # what names of columns may begin with, as in the tables of nas export
_SECONDS, _FULL = "seconds", "full_epochs"
_Key = tuple[str, Config, int, int]  # task, configuration, seed, epochs of a full training


@dataclass(frozen=True)
class Columns:
    """What the columns are called. `metrics` are all that mean nothing else, or those that begin with "metric."."""

    task: str = "task"
    seed: str = "seed"
    epoch: str = "epoch"
    metrics: tuple[str, ...] = ()


@dataclass
class _Table:
    """Where each column of one table is, and what its rows have told so far."""

    path: Path
    known: Known
    names: dict[str, int]  # place of each column that is one of `Columns`, seconds or full_epochs
    hyperparameters: dict[str, int]
    metrics: dict[str, int]
    task: str | None  # of every row
    allow_gaps: bool
    configs: dict[tuple[Any, ...], Config] = field(default_factory=dict)
    curves: dict[_Key, dict[int, tuple[str, dict[str, float], float | None]]] = field(default_factory=dict)


def found(path: Path, space: Known, columns: Columns, task: str | None = None, allow_gaps: bool = False) -> Found:
    """Return the curves of the table at `path`, whose hyperparameters are those of `space`.

    Every row is of `task` where that is given. Raises UserError, naming file and row, where it is not whole, a value
    makes no sense, two rows disagree, or, unless `allow_gaps`, a curve lacks an epoch that others of its task have.
    """
    header, rows = read(path)
    table = _laid_out(path, header, space, columns, task, allow_gaps)
    for where, cells in rows:
        try:
            _take(table, columns, where, cells)
        except ValueError as error:
            told = str(error) if isinstance(error, UserError) else f"{path}, {where}: {error}"
            raise UserError(told) from None
    if not table.curves:
        raise UserError(f"{path} has no row: each epoch of a training is one")
    if not allow_gaps:
        _check_gaps(table)
    curves = [_curve(key, points) for key, points in table.curves.items()]
    tasks = tuple(Task(name) for name in sorted({curve.task for curve in curves}))
    return Found(str(path), space.name, space.digest, tasks, curves)


def _laid_out(
    path: Path, header: Sequence[str], known: Known, columns: Columns, task: str | None, allow_gaps: bool
) -> _Table:
    """Return where everything is. Raises UserError where a column is missing."""
    places = {name: place for place, name in enumerate(header)}
    names = {name: places[name] for name in (columns.seed, columns.epoch, _SECONDS, _FULL) if name in places}
    if task is None and columns.task in places:
        names[columns.task] = places[columns.task]
    hyperparameters = {
        each: places[_either(each, _CONFIG, places)] for each in known.space if _either(each, _CONFIG, places)
    }
    taken = {*names, columns.task, *(header[place] for place in hyperparameters.values())}
    rest = [name for name in header if name not in taken and not name.startswith(_CONFIG)]
    chosen = columns.metrics or [name for name in rest if name.startswith(_METRIC)] or rest
    for flag, name in (("--epoch-column", columns.epoch), ("--task-column", columns.task)):
        if name not in places and (name != columns.task or task is None):
            other = ", or --task NAME where all rows are of one" if name == columns.task else ""
            raise UserError(f"{path} has no column {name!r}, but {', '.join(header)}: give {flag}{other}")
    if not hyperparameters:
        raise UserError(f"{path} has no column of a hyperparameter of {known.name}: {', '.join(known.space)}")
    missing = [name for name in chosen if not _either(name, _METRIC, places)]
    if missing or not chosen:
        raise UserError(
            f"{path} has no column of a metric{f' {missing[0]!r}' if missing else ''}: give --metric-columns"
        )
    metrics = {name.removeprefix(_METRIC): places[_either(name, _METRIC, places)] for name in chosen}
    return _Table(path, known, names, hyperparameters, metrics, task, allow_gaps)


def _either(name: str, prefix: str, places: Mapping[str, int]) -> str:
    """Return the column of that name, or of that with the prefix before it; nothing where there is neither."""
    return next((each for each in (name, f"{prefix}{name}") if each in places), "")


def _take(table: _Table, columns: Columns, where: str, cells: list[Any]) -> None:
    """Remember one row. Raises ValueError that says what is wrong in it."""
    task = table.task or str(_cell(table, columns.task, cells) or "").strip()
    if not task:
        raise ValueError(f"{columns.task} is empty")
    seed, epoch = (
        _whole(table, name, cells, least) for name, least in ((columns.seed, -(1 << 63)), (columns.epoch, 1))
    )
    key = (task, _config(table, where, cells), seed or 0, _whole(table, _FULL, cells, 0) or 0)
    if epoch is None:
        raise ValueError(f"{columns.epoch} is empty")
    seconds = _cell(table, _SECONDS, cells)
    row = where, dict(_metrics(table, cells)), None if is_empty(seconds) else _told(_SECONDS, seconds)
    points = table.curves.setdefault(key, {})
    before = points.setdefault(epoch, row)
    if before[1:] != row[1:]:
        raise ValueError(f"it disagrees with {before[0]} on epoch {epoch} of {_named(key)}: which is true?")


def _cell(table: _Table, name: str, cells: list[Any]) -> Any:
    return cells[table.names[name]] if name in table.names else None


def _whole(table: _Table, name: str, cells: list[Any], least: int) -> int | None:
    cell = _cell(table, name, cells)
    if is_empty(cell):
        return None
    try:
        return whole(cell, least)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is {_reason(error, cell)}") from None


def _told(name: str, cell: Any) -> float:
    try:
        return number(cell)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is {_reason(error, cell)}") from None


def _reason(error: Exception, cell: Any) -> str:
    return str(error) if ", but must be" in str(error) else f"{cell!r}, but must be a number"


def _metrics(table: _Table, cells: list[Any]) -> Iterator[tuple[str, float]]:
    """Yield the metrics of a row."""
    for name, place in table.metrics.items():
        if not is_empty(cells[place]):
            value = _told(name, cells[place])
            if _is_share(name) and not 0 <= value <= 1:
                raise ValueError(f"{name} is {value:g}, but must be a fraction between 0 and 1")
            yield name, value
        elif not table.allow_gaps:
            raise ValueError(f"{name} is empty: give its value, or --allow-gaps where it was not measured")


def _is_share(metric: str) -> bool:
    return metric in parts.names("metric") and bool(getattr(parts.get("metric", metric), "is_share", False))


def _config(table: _Table, where: str, cells: list[Any]) -> Config:
    """Return the configuration of a row. Raises UserError where it is not of the space."""
    own = tuple(cells[place] for place in table.hyperparameters.values())
    if own not in table.configs:
        named = zip(table.hyperparameters, own, strict=True)
        values = {name: meant(table.known.space[name], cell) for name, cell in named if not is_empty(cell)}
        table.configs[own] = checked_config(table.known.space, values, f"{table.path}, {where}")
    return table.configs[own]


def _check_gaps(table: _Table) -> None:
    """Raise UserError where a curve lacks an epoch before its last that another of its task has."""
    known = dict[str, set[int]]()
    for (task, *_), points in table.curves.items():
        known.setdefault(task, set()).update(points)
    for key, points in table.curves.items():
        missing = sorted(epoch for epoch in known[key[0]] - points.keys() if epoch < max(points))
        if missing:
            later = points[min(epoch for epoch in points if epoch > missing[0])][0]
            raise UserError(
                f"{table.path}, {later}: {_named(key)} lacks epoch {missing[0]}, which others have: add its row, "
                "or give --allow-gaps where it was not measured"
            )


def _named(key: _Key) -> str:
    return f"task {key[0]}, configuration {key[1].id}, seed {key[2]}"


def _curve(key: _Key, rows: Mapping[int, tuple[str, dict[str, float], float | None]]) -> Curve:
    task, config, seed, full = key
    points = {epoch: rows[epoch][1] for epoch in sorted(rows) if rows[epoch][1]}
    seconds = {epoch: took for epoch in points if (took := rows[epoch][2]) is not None}
    return Curve(task, config, seed, points, {}, seconds, full)

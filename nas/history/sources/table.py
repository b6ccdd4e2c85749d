"""What does a table of somebody's give? A row an epoch: its task, seed, epoch, hyperparameters and metrics."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

from nas.core import parts
from nas.core.configuration import checked_config
from nas.core.errors import UserError
from nas.core.types import Config
from nas.history.sources.cells import is_empty, meant, number, whole
from nas.history.sources.found import Found
from nas.history.sources.layout import Columns, Layout, layout
from nas.history.sources.rows import read
from nas.history.spaces import Known
from nas.history.values import Curve, Task

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class _Key:
    """What a curve is known by."""

    task: str
    config: Config
    seed: int
    full_epochs: int

    def __str__(self) -> str:
        return f"task {self.task}, configuration {self.config.id}, seed {self.seed}"


@dataclass(frozen=True)
class _Point:
    """What a row tells of an epoch, and where it is, such as "line 7"."""

    metrics: Mapping[str, float]
    seconds: float | None
    where: str = field(compare=False)


_Curves = dict[_Key, dict[int, _Point]]


def found(path: Path, known: Known, columns: Columns, task: str | None = None, allow_gaps: bool = False) -> Found:
    """Return the curves of the table at `path`, whose hyperparameters are those of the space.

    Every row is of `task` where that is given. Raises UserError, naming file and row, where it is not whole, a value
    makes no sense, two rows disagree, or, unless `allow_gaps`, a curve lacks an epoch that others of its task have.
    """
    header, rows = read(path)
    reader, curves = _Reader(path, known, layout(path, header, known, columns, task), task, allow_gaps), _Curves()
    for where, cells in rows:
        try:
            key, epoch, point = reader.row(where, cells)
            before = curves.setdefault(key, {}).setdefault(epoch, point)
            if before != point:
                raise ValueError(f"it disagrees with {before.where} on epoch {epoch} of {key}: which is true?")
        except ValueError as error:
            raise UserError(f"{path}, {where}: {error}") from None
    if not curves:
        raise UserError(f"{path} has no row: each epoch of a training is one")
    if not allow_gaps:
        _check_gaps(path, curves)
    tasks = tuple(map(Task, sorted({key.task for key in curves})))
    return Found(str(path), known.name, known.digest, tasks, [_curve(*each) for each in curves.items()])


@dataclass(frozen=True)
class _Reader:
    """Reads the rows of one table. What all rows of a curve have in common is read and checked once."""

    path: Path
    known: Known
    layout: Layout
    task: str | None
    allow_gaps: bool
    keys: dict[tuple[Any, ...], _Key] = field(default_factory=dict)

    def row(self, where: str, cells: Sequence[Any]) -> tuple[_Key, int, _Point]:
        """Return the curve, the epoch and what is told of it. Raises ValueError that says what is wrong."""
        common = self._common(cells)
        key = self.keys.get(common) or self.keys.setdefault(common, self._key(cells))
        epoch = _read("epoch", cells[self.layout.epoch], partial(whole, least=1))
        if epoch is None:
            raise ValueError("the epoch is empty")
        seconds = _read("seconds", _cell(cells, self.layout.seconds), number)
        return key, epoch, _Point(dict(self._metrics(cells)), seconds, where)

    @cached_property
    def _common(self) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
        """What picks the cells that all rows of a curve have in common."""
        own = (self.layout.task, self.layout.seed, self.layout.full_epochs)
        chosen = [place for place in own if place is not None] + list(self.layout.hyperparameters.values())
        return itemgetter(*chosen, chosen[0])  # of one place alone it would give the cell itself

    def _key(self, cells: Sequence[Any]) -> _Key:
        task = self.task or str(_cell(cells, self.layout.task) or "").strip()
        if not task:
            raise ValueError("the task is empty")
        seed = _read("seed", _cell(cells, self.layout.seed), partial(whole, least=-(1 << 63)))
        full = _read("full_epochs", _cell(cells, self.layout.full_epochs), partial(whole, least=1))
        named = ((self.known.space[name], cells[place]) for name, place in self.layout.hyperparameters.items())
        values = {each.name: meant(each, cell) for each, cell in named if not is_empty(cell)}
        config = checked_config(self.known.space, values, "its hyperparameters")
        return _Key(task, config, seed or 0, full or 0)

    def _metrics(self, cells: Sequence[Any]) -> Iterator[tuple[str, float]]:
        for name, place in self.layout.metrics.items():
            value = _read(name, cells[place], number)
            if value is None and not self.allow_gaps:
                raise ValueError(f"{name} is empty: give its value, or --allow-gaps where it was not measured")
            if value is not None and _is_share(name) and not 0 <= value <= 1:
                raise ValueError(f"{name} is {value:g}, but must be a fraction between 0 and 1")
            if value is not None:
                yield name, value


def _cell(cells: Sequence[Any], place: int | None) -> Any:
    return None if place is None else cells[place]


def _read(name: str, cell: Any, kind: Callable[[Any], Number]) -> Number | None:
    """Return the number in a cell, None where nothing is in it. Raises ValueError that names it."""
    try:
        return None if is_empty(cell) else kind(cell)
    except ValueError as error:
        raise ValueError(f"{name} is {error}") from None


@cache
def _is_share(metric: str) -> bool:
    return metric in parts.names("metric") and bool(getattr(parts.get("metric", metric), "is_share", False))


def _check_gaps(path: Path, curves: _Curves) -> None:
    """Raise UserError where a curve lacks an epoch before its last that another of its task has."""
    known = dict[str, set[int]]()
    for key, points in curves.items():
        known.setdefault(key.task, set()).update(points)
    for key, points in curves.items():
        missing = sorted(epoch for epoch in known[key.task] - points.keys() if epoch < max(points))
        if missing:
            later = points[min(epoch for epoch in points if epoch > missing[0])]
            raise UserError(
                f"{path}, {later.where}: {key} lacks epoch {missing[0]} before it, which others have: add its row, "
                "or give --allow-gaps where it was not measured"
            )


def _curve(key: _Key, rows: Mapping[int, _Point]) -> Curve:
    told = {epoch: rows[epoch] for epoch in sorted(rows) if rows[epoch].metrics}
    points = {epoch: row.metrics for epoch, row in told.items()}
    seconds = {epoch: row.seconds for epoch, row in told.items() if row.seconds is not None}
    return Curve(key.task, key.config, key.seed, points, {}, seconds, key.full_epochs)

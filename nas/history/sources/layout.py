"""Where in a table is what? Its columns by what they mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nas.core.errors import UserError
from nas.history.spaces import Known

_CONFIG, _METRIC = "config.", "metric."  # what names of columns may begin with
_SECONDS, _FULL = "seconds", "full_epochs"


@dataclass(frozen=True)
class Columns:
    """What the columns are called. `metrics` are all that mean nothing else, or those that begin with "metric."."""

    task: str = "task"
    seed: str = "seed"
    epoch: str = "epoch"
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """The place of each column; None where the table has none."""

    task: int | None
    seed: int | None
    epoch: int
    seconds: int | None
    full_epochs: int | None
    hyperparameters: Mapping[str, int]
    metrics: Mapping[str, int]


def layout(path: Path, header: Sequence[str], known: Known, columns: Columns, task: str | None) -> Layout:
    """Return where everything is in the table at `path`, all of whose rows are of `task` where that is given.

    Raises UserError where a column is missing.
    """
    places = {name: place for place, name in enumerate(header)}
    if columns.epoch not in places:
        raise UserError(f"{path} has no column {columns.epoch!r}, but {', '.join(header)}: give --epoch-column")
    if columns.task not in places and task is None:
        told = "give --task-column, or --task NAME where all rows are of one"
        raise UserError(f"{path} has no column {columns.task!r}, but {', '.join(header)}: {told}")
    hyperparameters = _found(list(known.space), _CONFIG, places)
    if not hyperparameters:
        raise UserError(f"{path} has no column of a hyperparameter of {known.name}: {', '.join(known.space)}")
    fixed = {columns.task, columns.seed, columns.epoch, _SECONDS, _FULL}
    metrics = _metrics(path, header, columns.metrics, fixed | {header[place] for place in hyperparameters.values()})
    return Layout(
        None if task else places.get(columns.task), places.get(columns.seed), places[columns.epoch],
        places.get(_SECONDS), places.get(_FULL), hyperparameters, metrics,
    )  # fmt: skip


def _metrics(path: Path, header: Sequence[str], asked: Sequence[str], taken: set[str]) -> dict[str, int]:
    """Return the places of the metrics by name: those asked for, those called so, or all that are left."""
    places = {name: place for place, name in enumerate(header)}
    rest = [name for name in header if name not in taken and not name.startswith(_CONFIG)]
    chosen = [name.removeprefix(_METRIC) for name in asked or [n for n in rest if n.startswith(_METRIC)] or rest]
    found = _found(chosen, _METRIC, places)
    missing = [name for name in chosen if name not in found]
    if missing or not chosen:
        told = f" {missing[0]!r}" if missing else ""
        raise UserError(f"{path} has no column of a metric{told}, but {', '.join(header)}: give --metric-columns")
    return found


def _found(names: Sequence[str], prefix: str, places: Mapping[str, int]) -> dict[str, int]:
    """Return the place of each name that is there, as it is or with the prefix before it."""
    written = {name: name if name in places else f"{prefix}{name}" for name in names}
    return {name: places[column] for name, column in written.items() if column in places}

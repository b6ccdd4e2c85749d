"""What is meant by this word? A published database, the folder of some run, a table, another history."""

from dataclasses import dataclass, field
from pathlib import Path

from nas.core.errors import UserError
from nas.history.sources import hyperrec, lcbench, other, reproduced, runs, table
from nas.history.sources.found import Found
from nas.history.sources.layout import Columns
from nas.history.sources.rows import SUFFIXES
from nas.history.spaces import known
from nas.runs.folder import COMPARISON, REPRODUCTION, SPEC

_PUBLISHED = {"hyperrec": hyperrec.found, "lcbench": lcbench.found}
PUBLISHED = (*_PUBLISHED,)
_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True)
class Told:
    """What the user says of the sources. `folder` is where a published database lies already."""

    task: str | None = None
    space: str | None = None
    folder: Path | None = None
    columns: Columns = field(default_factory=Columns)
    allow_gaps: bool = False


def found(word: str, told: Told) -> list[Found]:
    """Return what the source called `word` gives, each of one space. Raises UserError where it is none, or broken."""
    path = Path(word)
    if word in _PUBLISHED:
        return [_PUBLISHED[word](told.folder)]
    if (path / SPEC).exists() or (path / COMPARISON).exists():
        return runs.found(path, told.task)
    if (path / REPRODUCTION).exists():
        return reproduced.found(path, told.task)
    if path.is_file() and path.suffix in SUFFIXES:
        if not told.space:
            raise UserError(f"{path}: say by --space of what space its hyperparameters are")
        return [table.found(path, known(told.space), told.columns, told.task, told.allow_gaps)]
    if path.is_file() and _begins_with(path, _MAGIC):
        return other.found(path)
    if path.is_file() and not path.stat().st_size:
        raise UserError(f"{path} is empty")
    kinds = f"the folder of a run, comparison or reproduction, a .csv, a .parquet, a history, {' or '.join(PUBLISHED)}"
    raise UserError(f"{word} {'holds no learning curves' if path.exists() else 'is not there'}: give {kinds}")


def _begins_with(path: Path, start: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(start)) == start

"""How are the rows of a table read? CSV line by line, Parquet by pyarrow; a table that is cut is told."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nas.core.errors import UserError
from nas.core.extra import extra

SUFFIXES = (".csv", ".parquet")
Row = tuple[str, list[Any]]  # where it is, such as "line 7", and its cells; None or an empty text: nothing


def read(path: Path) -> tuple[list[str], Iterator[Row]]:
    """Return the names of the columns, and the rows. Raises UserError, also on the way, where it is no whole table."""
    names, rows = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"{path} has the column {twice[0]} twice: each may be there once")
    return names, rows


def _csv(path: Path) -> tuple[list[str], Iterator[Row]]:
    rows = _lines(path)
    try:
        _, names = next(rows)
    except StopIteration:
        raise UserError(f"{path} is empty: its first line must name the columns") from None
    return [name.strip() for name in names], _as_long(path, rows, len(names))


def _lines(path: Path) -> Iterator[Row]:
    """Yield line number and cells. The last line has an end, too: one that was cut may still look whole."""
    try:
        with path.open("rb") as content:
            if content.seek(0, 2) and content.seek(-1, 2) and content.read() not in (b"\n", b"\r"):
                raise UserError(f"the last line of {path} has no end: was it cut? End it if it is whole")
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            yield from ((f"line {reader.line_num}", cells) for cells in reader if cells)
    except csv.Error as error:
        raise UserError(f"{path} is no whole CSV: {error}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no text in UTF-8: {error}") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def _as_long(path: Path, rows: Iterator[Row], columns: int) -> Iterator[Row]:
    for where, cells in rows:
        if len(cells) != columns:
            raise UserError(f"{path}, {where} has {len(cells)} cells, but there are {columns} columns: was it cut?")
        yield where, cells


def _parquet(path: Path) -> tuple[list[str], Iterator[Row]]:
    pyarrow, parquet = extra("pyarrow"), extra("pyarrow.parquet")
    try:
        table = parquet.read_table(path)
        columns = [column.to_pylist() for column in table.columns]
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise UserError(f"{path} is no whole Parquet file: {' '.join(str(error).split())}") from None
    rows = zip(*columns, strict=True)
    return table.column_names, ((f"row {number}", list(cells)) for number, cells in enumerate(rows, 1))

"""What does the folder of a run tell? Read without locking, changing or resuming anything."""

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.core.errors import Corrupt, UserError
from nas.core.phases import history_of
from nas.core.ranking import scored
from nas.core.spec import RunSpec
from nas.core.types import Result
from nas.core.words import quoted
from nas.runs.disk import reading
from nas.runs.findings import Findings
from nas.runs.folder import read_json, read_spec
from nas.runs.journal import read
from nas.runs.redraws import totals
from nas.runs.saved import Saved
from nas.runs.saved import read as read_saved


@dataclass(frozen=True)
class StoredRun(Findings):
    """A run as its folder has it. `history` is in logical order, `committed` the same in order of completion."""

    directory: Path
    spec: RunSpec
    history: list[Result]
    committed: list[Result]
    redraws: Counter[str]

    def _all(self) -> Sequence[Result]:
        return self.history

    def saved(self, name: str) -> Saved | None:
        """Return the configuration file of that name, such as "best.json", if it is there."""
        path = self.directory / name
        return read_saved(path) if path.exists() else None

    def command(self) -> list[str]:
        """Return the words that ask for the same run again; none where it was not begun by the command line."""
        path = self.directory / "command.json"
        return list(read_json(path).get("search", [])) if path.exists() else []


def open_run(directory: Path) -> StoredRun:
    """Return the run in `directory`. Raises UserError where none is, Corrupt where its journal is not whole."""
    spec = read_spec(directory)
    path = directory / "journal.jsonl"
    if not os.path.lexists(path):
        raise UserError(f"{directory} is not the folder of a run: it has no journal.jsonl")
    committed = [scored(_result(path, number, record), spec) for number, _, record in read(path)]
    _check_whole(directory, len(committed))
    return StoredRun(directory, spec, history_of(committed, spec), committed, totals(directory))


def _check_whole(directory: Path, results: int) -> None:
    """Raise Corrupt where the journal has fewer results than there were at the last orderly end."""
    path = directory / "history.jsonl"
    if path.is_file() and not path.is_symlink():
        with reading(path) as file:
            before = sum(1 for _ in file)
        if before > results:
            raise Corrupt(
                f"{directory / 'journal.jsonl'} has {results} results and {path.name} {before}: was it cut? "
                f"nas resume {quoted(directory)} trains the others again"
            )


def _result(path: Path, number: int, record: dict[str, Any] | str) -> Result:
    told = f"{path}, line {number} is no result of a trial"
    if isinstance(record, str):
        told = record
    else:
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            return Result.from_json(record)
    raise Corrupt(f"{told}; see nas verify {quoted(path.parent)}")

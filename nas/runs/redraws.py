"""Why were drawn configurations not taken? Counted by bracket, in redraws.jsonl beside the journal.

A line lost with the power costs a count in the report, so nothing here is synced.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nas.core.errors import UserError
from nas.core.plain import canonical
from nas.runs.disk import opened, read_text

FILE = "redraws.jsonl"
_NOT_WHOLE = (ValueError, TypeError, KeyError, AttributeError)
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT


class Redraws:
    """The counts of a run. What a resumption draws again of a bracket counts no second time."""

    def __init__(self, directory: Path | None) -> None:
        self._path = directory / FILE if directory else None
        self._counts = _read(self._path) if self._path else {}

    def note(self, place: str, counts: Counter[str]) -> None:
        """Take down the counts of the bracket at `place`, if there are any."""
        if not counts or place in self._counts:
            return
        self._counts[place] = counts
        if self._path:
            with suppress(OSError, UserError), os.fdopen(opened(self._path, _APPEND), "a", encoding="utf-8") as file:
                file.write(canonical({"bracket": place, "redraws": counts}) + "\n")

    @property
    def totals(self) -> Counter[str]:
        """The sum over all brackets."""
        return sum(self._counts.values(), Counter[str]())


def totals(directory: Path) -> Counter[str]:
    """Return the sum over all brackets of the run in `directory`."""
    return Redraws(directory).totals


def _read(path: Path) -> dict[str, Counter[str]]:
    """Return the counts by bracket; lines that are not whole are passed over."""
    counts = dict[str, Counter[str]]()
    for line in _lines(path):
        with suppress(*_NOT_WHOLE):
            counts |= _counted(line)
    return counts


def faults_of(directory: Path) -> Iterator[str]:
    """Yield which lines of the run in `directory` are not whole. Raises what `nas.runs.disk.reading` does."""
    path = directory / FILE
    for number, line in enumerate(_lines(path), 1):
        try:
            _counted(line)
        except _NOT_WHOLE:
            yield f"{path}, line {number}: this counts no redraws"


def _lines(path: Path) -> list[str]:
    return read_text(path, "replace").splitlines() if os.path.lexists(path) else []


def _counted(line: str) -> dict[str, Counter[str]]:
    record = json.loads(line)
    return {str(record["bracket"]): Counter({str(k): int(v) for k, v in record["redraws"].items()})}

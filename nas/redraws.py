"""Why were drawn configurations not taken? Counted by bracket, in redraws.jsonl beside the journal.

A line lost with the power costs a count in the report, so nothing here is synced.
"""

import json
import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

from nas.disk import opened, read_text
from nas.types import canonical

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT


class Redraws:
    """The counts of a run. What a resumption draws again of a bracket counts no second time."""

    def __init__(self, directory: Path | None) -> None:
        self._path = directory / "redraws.jsonl" if directory else None
        self._counts = _read(self._path) if self._path else {}

    def note(self, place: str, counts: Counter[str]) -> None:
        """Take down the counts of the bracket at `place`, if there are any."""
        if not counts or place in self._counts:
            return
        self._counts[place] = counts
        if self._path:
            with suppress(OSError), os.fdopen(opened(self._path, _APPEND), "a") as file:
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
    for line in read_text(path, "replace").splitlines() if os.path.lexists(path) else ():
        with suppress(ValueError, TypeError, KeyError, AttributeError):
            record = json.loads(line)
            counts[str(record["bracket"])] = Counter({str(k): int(v) for k, v in record["redraws"].items()})
    return counts

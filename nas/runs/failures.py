"""Do all trainings fail, and alike? The first failure is told when it happens; a search that can only fail ends."""

import logging
import re
from pathlib import Path

from nas.core.errors import UserError
from nas.core.plain import canonical
from nas.core.types import Result, Status
from nas.runs.disk import write_atomically

ALIKE = 8  # trainings that crash alike before one comes to anything else
FILE = "first_failure.txt"
_LONGEST = 500  # characters of an error in a line
_OWN = re.compile(r"0x[0-9a-fA-F]+|\d+(\.\d+)?(e[+-]?\d+)?")  # numbers, addresses and ids are each trial's own


class Failures:
    """What failed since this process began: what did so before may have been mended meanwhile."""

    def __init__(self, directory: Path | None) -> None:
        self._directory, self._seen, self._alike = directory, 0, True
        self._first: Result | None = None
        self._told = ""  # where its traceback is

    def look(self, result: Result, succeeded: bool) -> None:
        """Take notice of a new result; `succeeded` says whether the run has a good one.

        Raises UserError where all have crashed alike, ALIKE of them.
        """
        self._seen += 1
        if result.status not in (Status.OK, Status.DIVERGED) and not self._first:
            self._first = result
            self._tell(result)
        first = self._first or result
        self._alike &= result.status is Status.CRASHED and _kind(result) == _kind(first)
        if self._alike and not succeeded and self._seen == ALIKE:
            then = "; once that is mended the search goes on where it stands" if self._directory else ""
            raise UserError(f"the first {ALIKE} trainings all failed alike: {_line(first)}{self._told}{then}")

    def _tell(self, result: Result) -> None:
        """Log the failure in a line, its traceback beside it: in the folder of the run, if there is one."""
        trial_id, epochs = result.job.key
        traced = result.trace
        if self._directory:
            file = self._directory / FILE
            head = f"trial {trial_id} at {epochs} epochs: {result.status}\n{canonical(result.config)}\n\n"
            write_atomically(file, head + (traced or f"{result.error}\n"))
            self._told, traced = f"; its traceback is in {file}", ""
        logging.getLogger(__name__).warning(
            "trial %s at %d epochs failed, %s: %s%s%s",
            trial_id, epochs, result.status, _line(result), self._told, traced and f"\n{traced.rstrip()}",
        )  # fmt: skip


def _kind(result: Result) -> str:
    return _OWN.sub("", result.error)


def _line(result: Result) -> str:
    line = " ".join(result.error.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."

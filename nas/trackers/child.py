"""How does a search get its tracker? As a child process that reads the journal: it cannot hold up or break anything."""

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

import nas
from nas.core.types import Result
from nas.core.words import quoted
from nas.engine.watchers import View
from nas.trackers.tracking import read

_WAIT = 10.0  # seconds at the end


class Child:
    """Starts the process at the first committed result, or at the end where a resumed run had them all.

    Use as a context manager around all that writes into the run's folder: its end is the process's sign to conclude.
    """

    def __init__(self, directory: Path, mode: str, project: str, quiet: bool = False) -> None:
        self._directory, self._mode, self._project, self._quiet = directory, mode, project, quiet
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._failed = False

    def __call__(self, lab: View, result: Result) -> None:
        if not self._process:
            self._start()
        elif self._process.poll():
            self._warn(self._reason())

    def _start(self) -> None:
        """Start it, in a session of its own, where Ctrl-C does not come; with this package, and none from here."""
        if self._mode == "disabled" or self._failed:
            return
        paths = [str(Path(nas.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        command = [sys.executable, "-P", "-m", "nas.trackers.wandb", str(self._directory), self._mode, self._project]
        try:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (a pipe that nobody reads would hold it up)
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._errors,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            self._warn(str(error))

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        journal = self._directory / "journal.jsonl"
        if not self._process and not error and journal.exists() and journal.stat().st_size:
            self._start()
        if self._process:
            self._conclude(self._process)

    def _conclude(self, process: subprocess.Popen[bytes]) -> None:
        """Close the pipe, which says that the search is over, and wait a little.

        Who is slow is left at work: it lets go of everything after ten minutes, and a slow line needs some of them.
        """
        assert process.stdin
        with suppress(OSError):
            process.stdin.close()
        try:
            status = process.wait(_WAIT)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self._say(f"W&B is still sending; nas track {quoted(self._directory)} sends it again")
            return
        tracking = read(self._directory)
        if status:
            self._warn(self._reason())
        elif tracking and not self._quiet:
            self._say(f"W&B: {tracking.where}")

    def _reason(self) -> str:
        assert self._errors and self._process
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"its process ended with status {self._process.poll()}"

    def _warn(self, reason: str) -> None:
        """Say once that it does not work."""
        if not self._failed:
            self._failed = True
            again = f"nas track {quoted(self._directory)} sends it again"
            self._say(f"W&B failed, the search does not need it: {reason}; {again}")

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr)

"""A small search, run in ways that hurt it: its history must always be the golden one."""

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nas
from tests.fakes import ROOT, climb, hills

SEARCH: dict[str, Any] = {"max_trials": 12, "max_epochs": 12, "min_epochs": 3, "offspring": 4, "population": 6}
SCRIPT = """
import sys
import nas
from nas.engine.signals import exit_status
from tests import fakes
from tests.faults.runs import search
try:
    run = search(sys.argv[1], getattr(fakes, sys.argv[2]), workers=int(sys.argv[3]))
except nas.UserError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_status)
print(run.stopped, len(run.trials), flush=True)
sys.exit(exit_status(run.stopped))
"""


def search(run_dir: str | Path, train: Any = climb, **changes: Any) -> nas.Run:
    """Run or resume the small search."""
    return nas.search(hills(), train, run_dir=run_dir, **{**SEARCH, **changes})


def history(run_dir: Path) -> bytes:
    return (run_dir / "history.jsonl").read_bytes()


@functools.cache
def golden() -> bytes:
    """Return the history of the search when nothing goes wrong."""
    with tempfile.TemporaryDirectory() as folder:
        search(folder)
        return history(Path(folder))


def started(run_dir: Path, train: str = "climb", workers: int = 0, **environment: str) -> subprocess.Popen[str]:
    """Start the search in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(run_dir), train, str(workers)],
        cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip

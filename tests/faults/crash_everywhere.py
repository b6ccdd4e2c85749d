"""Crash the small search at every fault point it passes, resume it, compare. Run by test_every_crash.

One process that has imported everything forks a child for each crash, so that hundreds take seconds.
"""

import os
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from nas.core import faults
from tests.faults.runs import history, search

ASKED: dict[str, Any] = {"max_trials": 14, "confirm": 2}  # of which two are trained again


def passed(folder: Path) -> list[str]:
    """Return every (point, hit) that an undisturbed run passes."""
    log = folder / "points"
    os.environ["NAS_FAULT_LOG"] = str(log)
    faults._passed.clear()
    search(folder / "run", **ASKED)
    del os.environ["NAS_FAULT_LOG"]
    return [line.split()[0] for line in log.read_text().splitlines()]


def crashed(run_dir: Path, place: str) -> bool:
    """Run the search in a child that dies at `place`; return whether it did."""
    child = os.fork()
    if not child:
        os.environ["NAS_FAULT"] = f"{place}:kill"
        faults._passed.clear()
        search(run_dir, **ASKED)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def main() -> int:
    points, wrong = Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        places = passed(Path(folder))
        expected = history(Path(folder) / "run")
        for number, place in enumerate(places):
            run_dir = Path(folder) / str(number)
            if not crashed(run_dir, place):
                print(f"{place}: no crash")
                wrong += 1
            search(run_dir, **ASKED)
            if history(run_dir) != expected or (run_dir / "checkpoints").exists():
                print(f"{place}: another history, or checkpoints left behind")
                wrong += 1
            points[place.split(":")[0]] += 1
    print(f"{points.total()} crashes at {len(points)} points, {wrong} wrong: {dict(points)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Which processes live, and how does a test wait for what they do? For the event itself, however slow the machine."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PATIENCE = 300.0  # seconds after which what should have happened counts as hung; nothing that is tested takes as long


def until(happened: Callable[[], object], process: subprocess.Popen[Any] | None = None) -> None:
    """Return once `happened()` is true. Fails where `process` has ended without it."""
    end = time.monotonic() + PATIENCE
    while True:
        ended = process is not None and process.poll() is not None
        if happened():
            return
        assert not ended, process and process.communicate()
        assert time.monotonic() < end, "it has not happened"
        time.sleep(0.01)


def growing(seconds: float) -> Iterator[float]:
    """Yield limits in time, each twice the one before, until one is long enough for a machine however slow."""
    while seconds < PATIENCE:
        yield seconds
        seconds *= 2


def lines_in(file: Path) -> int:
    """Return the number of lines of a file that may not be there yet."""
    return file.read_bytes().count(b"\n") if file.exists() else 0


def wait_for_lines(file: Path, count: int, process: subprocess.Popen[Any]) -> None:
    """Return once `file` has at least `count` lines."""
    until(lambda: lines_in(file) >= count, process)


def children(process: int) -> list[int]:
    """Return the ids of the processes that `process` started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def wait_until_gone(processes: list[int]) -> None:
    until(lambda: not any(alive(process) for process in processes))


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def workers_of(engine: int) -> list[int]:
    return [process for process in children(engine) if is_worker(process)]


def is_worker(process: int) -> bool:
    """Return whether a child of the engine is one of its workers, not the tracker of multiprocessing."""
    try:
        return b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return False

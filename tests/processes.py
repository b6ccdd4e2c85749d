"""Which processes live? Asked of the system."""

import subprocess
import time
from pathlib import Path


def children(process: int) -> list[int]:
    """Return the ids of the processes that `process` started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def gone_within(seconds: float, processes: list[int]) -> None:
    until = time.monotonic() + seconds
    while any(alive(process) for process in processes):
        assert time.monotonic() < until, f"of {processes} some live on"
        time.sleep(0.05)


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

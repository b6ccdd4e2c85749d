"""Which courses are kept? Lines of JSON, one file a problem; a half-written last line is as if it had never been."""

import fcntl
import json
import os
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.courses import Course
from nas.core.errors import InUse, UserError
from nas.runs.disk import full_disk_told, write_atomically


def kept(folder: Path) -> list[Course]:
    """Return the courses that are kept in `folder`: of those with the same key, the one with the largest budget.

    One that did not die comes before any that did. Raises UserError where a line is no course.
    """
    found = [course for file in sorted(folder.glob("*.jsonl")) for course in _read(file)]
    found.sort(key=lambda course: (not course.died, course.budget))
    return list({course.key: course for course in found}.values())


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other benchmarks from writing to `folder`, which is made. Raises InUse where one does."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"another benchmark writes to {folder}: wait for it, or give other --results") from None
        yield
    finally:
        os.close(handle)


def forget(folder: Path, contestants: Container[str], problems: Container[str]) -> None:
    """Keep no longer what these contestants did on these problems."""
    for file in folder.glob("*.jsonl"):
        left = [each for each in _read(file) if each.contestant not in contestants or each.problem not in problems]
        write_atomically(file, (_line(course) for course in left))


def keep(folder: Path, course: Course) -> None:
    """Add `course` to what is kept. Raises DiskFull where there is no space."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{course.problem.replace('/', '-')}.jsonl"
    with full_disk_told(file):
        _drop_torn_line(file)
        with file.open("a") as lines:
            lines.write(_line(course))


def _read(file: Path) -> Iterator[Course]:
    whole = file.read_text(errors="replace").rpartition("\n")[0]
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            yield Course(**json.loads(line))
        except (TypeError, ValueError) as error:
            raise UserError(
                f"{file}, line {number}, is no course ({error}): delete that line, and its search runs again"
            ) from None


def _line(course: Course) -> str:
    return json.dumps(asdict(course)) + "\n"


def _drop_torn_line(file: Path) -> None:
    content = file.read_bytes() if file.exists() else b""
    if not content.endswith(b"\n") and content:
        os.truncate(file, content.rfind(b"\n") + 1)

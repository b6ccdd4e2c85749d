"""What has happened for certain? An append-only file of JSON lines, each with a checksum, each fsynced."""

import fcntl
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from nas.errors import UserError
from nas.types import canonical


class Journal:
    """The truth about a run. Records read back in the order of their appending; with no path it lives in memory."""

    def __init__(self, path: Path | None = None) -> None:
        """Open or create the file, drop a torn last line, lock it. Raises UserError when in use or corrupt."""
        self.records: list[dict[str, Any]] = []
        self._file: int | None = None
        if path is None:
            return
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise UserError(f"{path} is in use by another search: wait for it, or choose another --name") from None
        try:
            self.records = list(self._recover(path))
        except BaseException:
            os.close(self._file)
            raise

    def _recover(self, path: Path) -> Iterator[dict[str, Any]]:
        assert self._file is not None
        *lines, torn = path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, 1):
            record = _decode(line)
            if record is None:
                raise UserError(f"{path}, line {number} is corrupt: its checksum is wrong; restore it from a copy")
            yield record
        if torn:
            os.ftruncate(self._file, sum(len(line) + 1 for line in lines))

    def append(self, record: dict[str, Any]) -> None:
        """Write `record` and return once it is on disk. Raises OSError, the file unchanged, when it cannot be."""
        if self._file is None:
            self.records.append(record)
            return
        line = _encode(record)
        end = os.fstat(self._file).st_size
        try:
            if os.write(self._file, line) < len(line):
                raise OSError("the journal could not be written: is the disk full?")
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, end)
            raise
        self.records.append(record)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)


def _encode(record: dict[str, Any]) -> bytes:
    body = canonical(record).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _decode(line: bytes) -> dict[str, Any] | None:
    """Return the record of `line`, or None when its checksum is wrong."""
    checksum, _, body = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(body):
        return None
    record: dict[str, Any] = json.loads(body)
    return record


def write_atomically(path: Path, text: str) -> None:
    """Replace the file at `path` by `text`: afterwards it holds the old or the new content, never half of it."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)

"""What has happened for certain? An append-only file of JSON lines, each with a checksum, each fsynced."""

import json
import logging
import os
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from nas.core import faults
from nas.core.errors import Corrupt, UserError
from nas.core.plain import canonical
from nas.core.words import quoted
from nas.runs.disk import full_disk_told, reading, replacing, sync
from nas.runs.lock import NOTE, locked

LONGEST_LINE = 1 << 24  # bytes; a result takes some thousand


class Journal:
    """The truth about a run. Records read back in the order of their appending; with no path it lives in memory."""

    def __init__(self, path: Path | None = None) -> None:
        """Open or create the file, drop a torn last line, lock it. Raises InUse, or Corrupt where torn elsewhere."""
        self.path, self.lines, self._file = path, 0, -1
        if path is None:
            return
        try:
            with full_disk_told(path):
                self._file = locked(path)
                self._drop_torn_line(path)
                sync(path.parent)
        except BaseException as error:
            if self._file >= 0:
                os.close(self._file)
            if isinstance(error, OSError):
                raise UserError(f"{path} cannot be opened: {error.strerror}") from None
            raise

    def _drop_torn_line(self, path: Path) -> None:
        end = os.fstat(self._file).st_size
        with reading(path) as file:
            file.seek(max(0, end - LONGEST_LINE))
            tail = file.read()
        torn = len(tail) - tail.rfind(b"\n") - 1
        if torn:
            logging.getLogger(__name__).warning("%s: a half-written last line is dropped, its job runs again", path)
            os.ftruncate(self._file, end - torn)
            os.fsync(self._file)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the records so far. Raises Corrupt, naming line and byte, where a checksum is wrong."""
        if self.path is None:
            return
        for number, _, record in read(self.path):
            if isinstance(record, str):
                raise Corrupt(
                    f"{record}; restore the file from a copy, or cut it before that line: "
                    f"nas verify {quoted(self.path.parent)} --repair-to {number - 1}"
                )
            self.lines = number
            yield record

    def append(self, record: dict[str, Any]) -> None:
        """Write `record` and return once it is on disk. Raises DiskFull or OSError, the file unchanged."""
        if self.path:
            self._write(self.path, _encode(record))
        self.lines += 1

    def _write(self, path: Path, line: bytes) -> None:
        faults.point("journal.append")
        end = os.fstat(self._file).st_size
        with full_disk_told(path):
            try:
                while line:  # a full disk may take a part and say nothing
                    line = line[os.write(self._file, line) :]
                faults.point("journal.written")
                os.fsync(self._file)
            except OSError:
                os.ftruncate(self._file, end)
                raise
        faults.point("journal.synced")

    def cut(self, end: int) -> Path:
        """Keep the first `end` bytes; return the file beside the journal that holds the others from now on."""
        assert self.path
        rest = self.path.with_name(f"{self.path.name}.cut-at-{end}")
        with reading(self.path) as file:
            file.seek(end)
            with replacing(rest) as temporary:
                temporary.write_bytes(file.read())
        os.ftruncate(self._file, end)
        os.fsync(self._file)
        return rest

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.path:
            with suppress(OSError):  # a folder of that name is not ours
                self.path.with_name(NOTE).unlink(missing_ok=True)
            os.close(self._file)


def read(path: Path) -> Iterator[tuple[int, int, dict[str, Any] | str]]:
    """Yield line number, byte where it begins, and the record of each line or what is wrong with it."""
    start = 0
    with reading(path) as file:
        for number in range(1, 1 << 62):
            line = file.readline(LONGEST_LINE)
            if not line:
                return
            record = _decode(line)
            yield number, start, f"{path}, line {number}, byte {start}: {record}" if isinstance(record, str) else record
            start += len(line)


def follow(path: Path, over: threading.Event, pause: float) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield number, checksum and record of each whole line, of those there and those to come until `over`.

    For another process than the engine: it looks every `pause` seconds. Raises Corrupt.
    """
    number = start = 0
    with reading(path) as file:
        while True:
            last = over.is_set()  # asked before reading: what was appended before is then read
            while (line := file.readline(LONGEST_LINE)).endswith(b"\n"):
                number, record = number + 1, _decode(line)
                if isinstance(record, str):
                    raise Corrupt(f"{path}, line {number}, byte {start}: {record}")
                yield number, line[:8].decode(), record
                start += len(line)
            if last:
                return
            file.seek(start)  # what the engine has half written is read again
            over.wait(pause)


def checksum(path: Path, number: int) -> str:
    """Return the checksum of that line as the file has it; nothing where it has no such line."""
    with reading(path) as file:
        return next(islice(file, number - 1, number), b"")[:8].decode(errors="replace") if number else ""


def _encode(record: dict[str, Any]) -> bytes:
    body = canonical(record).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _decode(line: bytes) -> dict[str, Any] | str:
    """Return the record of `line`, or what is wrong with it."""
    if not line.endswith(b"\n"):
        return "the line has no end"
    checksum, _, body = line[:-1].partition(b" ")
    if checksum != b"%08x" % zlib.crc32(body):
        return "the checksum is wrong"
    try:
        record = _DECODER.decode(body.decode())
    except (ValueError, RecursionError) as error:
        return f"this is not JSON ({error})"
    return record if isinstance(record, dict) else "this is not a record"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is none of its values")


_DECODER = json.JSONDecoder(parse_constant=_refuse)

"""Is this file a history, whole, and of a version that is known? One SQLite file, opened and checked."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from nas.core.errors import Corrupt, DiskFull, InUse, UserError

APPLICATION, VERSION = 0x6E617368, 1  # in SQLite's header
PATIENCE = 60.0  # seconds that one writer waits for another
_SMALLEST = 512  # bytes of an SQLite file
_SCHEMA = """
CREATE TABLE space (digest TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE task (id INTEGER PRIMARY KEY, space TEXT NOT NULL REFERENCES space, name TEXT NOT NULL,
    known TEXT NOT NULL, UNIQUE (space, name));
CREATE TABLE config (id INTEGER PRIMARY KEY, digest TEXT NOT NULL, "values" TEXT NOT NULL, UNIQUE (digest));
CREATE TABLE curve (id INTEGER PRIMARY KEY, task INTEGER NOT NULL REFERENCES task,
    config INTEGER NOT NULL REFERENCES config, seed INTEGER NOT NULL, full_epochs INTEGER NOT NULL,
    setting TEXT NOT NULL, source TEXT NOT NULL, metrics TEXT NOT NULL, epochs BLOB NOT NULL, "values" BLOB NOT NULL,
    seconds BLOB NOT NULL, cheap TEXT NOT NULL, UNIQUE (task, config, seed, full_epochs, setting));
CREATE TABLE seal (checksum INTEGER NOT NULL);
"""
_TABLES = ("space", "task", "config", "curve")


def opened(path: Path, create: bool) -> sqlite3.Connection:
    """Return a connection to the history at `path`; it is made where `create` and nothing or an empty file is there.

    Raises UserError where no file is, or one that is empty, cut, of another kind or of a newer version.
    """
    _check_place(path, create)
    with errors_told(path):
        connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode={'rwc' if create else 'rw'}",
            uri=True, timeout=PATIENCE, isolation_level=None,
        )  # fmt: skip
        try:
            if create and _is_empty(connection, path):
                with transaction(connection, "IMMEDIATE"):
                    if _is_empty(connection, path):  # and no other process has begun it meanwhile
                        _begin(connection)
            with transaction(connection):
                _check(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "DEFERRED") -> Iterator[None]:
    """Do all in the block or nothing; what it reads stands still. IMMEDIATE: no other process writes meanwhile."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def errors_told(path: Path) -> Iterator[None]:
    """Raise what SQLite raises in the block as UserError that names `path`."""
    try:
        yield
    except UnicodeDecodeError as error:  # of text that has changed
        raise _damaged(path, str(error)) from None
    except sqlite3.Error as error:
        reason = getattr(error, "sqlite_errorname", "")
        if reason.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise InUse(f"{path} is being written by another process: give the command again later") from None
        if reason == "SQLITE_FULL":
            raise DiskFull(f"{path} cannot be written, the disk is full: free some space; it is as it was") from None
        if reason == "SQLITE_NOTADB":
            raise _no_history(path, "it is a file of another kind") from None
        if reason.startswith("SQLITE_CORRUPT"):
            raise _damaged(path, str(error)) from None
        raise UserError(f"{path} cannot be used: {error}") from None


def _check_place(path: Path, create: bool) -> None:
    """Raise UserError where the path itself cannot be a history."""
    if not path.exists():
        if not create:
            raise UserError(f"there is no history {path}: nas history add makes one, --history names another file")
        if not path.parent.is_dir():
            raise UserError(f"{path} cannot be made: there is no folder {path.parent}")
    elif not path.is_file():
        raise _no_history(path, "it is a folder" if path.is_dir() else "it is a pipe or device")


def _begin(connection: sqlite3.Connection) -> None:
    for statement in filter(str.strip, _SCHEMA.split(";")):
        connection.execute(statement)
    seal(connection)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _is_empty(connection: sqlite3.Connection, path: Path) -> bool:
    """Return whether the file has nothing in it, once what a killed writer left half done is undone."""
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return not path.stat().st_size


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise UserError unless the file is a whole history of this version or an earlier one."""
    if _is_empty(connection, path):
        raise _no_history(path, "it is empty")
    size = path.stat().st_size
    pages, each = _pragma(connection, "page_count"), _pragma(connection, "page_size")
    if size < _SMALLEST:
        raise _no_history(path, f"it has {size} bytes")
    if size < pages * each:
        raise _damaged(path, f"it has {size} of {pages * each} bytes: was it cut?")
    if _pragma(connection, "application_id") != APPLICATION:
        raise _no_history(path, "it is an SQLite file of something else")
    version = _pragma(connection, "user_version")
    if version > VERSION:
        raise UserError(f"{path} was written by a newer version of nas (format {version}): this one knows {VERSION}")
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise _damaged(path, " ".join(str(found).split()))
    if connection.execute("SELECT checksum FROM seal").fetchall() != [(_checksum(connection),)]:
        raise _damaged(path, "it does not hold what was written")


def seal(connection: sqlite3.Connection) -> None:
    """Write down what the file holds now, at the end of a transaction: a bit that turns on the disk is noticed."""
    connection.execute("DELETE FROM seal")
    connection.execute("INSERT INTO seal VALUES (?)", (_checksum(connection),))


def _checksum(connection: sqlite3.Connection) -> int:
    """Return CRC-32 of every value in every row, and of where each begins."""
    found = 0
    for table in _TABLES:
        for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid"):
            for value in row:
                content = value if isinstance(value, bytes) else str(value).encode()
                found = zlib.crc32(content, zlib.crc32(b"%d " % len(content), found))
    return found


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _no_history(path: Path, why: str) -> UserError:
    return UserError(f"{path} is no history of nas: {why}; give the file that nas history add made")


def _damaged(path: Path, why: str) -> Corrupt:
    return Corrupt(f"{path} is damaged: {why}; put a copy in its place, or move it away and add the sources again")

"""How does what is written stay written, and in its folder? Synced, replaced whole, through no link."""

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from nas.core import faults
from nas.core.errors import Corrupt, DiskFull, UserError, disk_is_full

_KINDS = {
    stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip
_APART = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # no link is followed, no pipe waited for


def opened(path: Path, flags: int) -> int:
    """Return a handle on the file of a run at `path`, opened with `flags` of os.open.

    Raises OSError, and Corrupt where something else lies there: a link, a folder, a pipe. Where the file would be
    written in place it must have no other name either.
    """
    _checked(path, alone=flags & os.O_ACCMODE != os.O_RDONLY)
    try:
        return os.open(path, flags | _APART, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Corrupt(f"{path} is a link, where a file of the run should be: put the file itself there") from None
        raise


def reading(path: Path) -> BinaryIO:
    """Open the file of a run at `path`. Raises OSError where it cannot be read, Corrupt where it is no file."""
    return os.fdopen(opened(path, os.O_RDONLY), "rb")


def read_text(path: Path, errors: str = "strict") -> str:
    """Return the text of the file of a run at `path`. Raises what `reading` does, and ValueError."""
    with reading(path) as file:
        return file.read().decode(errors=errors)


def own_folder(path: Path) -> Path:
    """Return `path`, a folder in that of a run, made if need be. Raises Corrupt where something else lies there."""
    if not os.path.lexists(path):
        path.mkdir(exist_ok=True)
    if not stat.S_ISDIR(path.lstat().st_mode):
        raise Corrupt(f"{path} is {_kind(path.lstat())}, where a folder of the run should be: move it away")
    return path


def _checked(path: Path, *, alone: bool = False, links: bool = False) -> None:
    """Raise Corrupt unless a file or nothing lies at `path`: where `links` a link, too, where `alone` no hard link."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode) and not (links and stat.S_ISLNK(found.st_mode)):
        raise Corrupt(f"{path} is {_kind(found)}, where a file of the run should be: put the file itself there")
    if alone and found.st_nlink > 1:
        raise Corrupt(f"{path} is a hard link, and its other name would be written, too: put a copy in its place")


def _kind(found: os.stat_result) -> str:
    return _KINDS.get(stat.S_IFMT(found.st_mode), "a file")


def sync(path: Path) -> None:
    """Make the content of a file, or what was created and renamed in a folder, outlast a loss of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def full_disk_told(path: Path) -> Iterator[None]:
    """Raise DiskFull, naming `path`, for an error in the block that says so in whatever way."""
    try:
        yield
    except Exception as error:
        if not disk_is_full(error):
            raise
        raise DiskFull(
            f"{path} cannot be written, the disk or quota is full: free some space and give the command again; "
            "a search goes on by nas resume"
        ) from None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise UserError, naming `path`, where something in the block cannot be written: DiskFull where that is why."""
    with full_disk_told(path):
        try:
            yield
        except OSError as error:
            if disk_is_full(error):
                raise
            raise UserError(f"{path} cannot be written: {error.strerror or error}") from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield where to write what then takes the place of `path`, which holds the old or the new, never half.

    A link there is replaced, not followed. Raises DiskFull where there is no space, Corrupt where a folder, pipe or
    device lies at `path`, and UserError where nothing can be written; nothing half-written stays.
    """
    _checked(path, links=True)
    temporary, held = path.with_name(f".nas-{secrets.token_hex(8)}.tmp"), -1
    try:
        with full_disk_told(path):
            held = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _APART, 0o666)
            with suppress(OSError):
                fcntl.flock(held, fcntl.LOCK_EX)  # tells `sweep` that somebody is at it
            yield temporary
            sync(temporary)
            faults.point("file.written")
            temporary.replace(path)
    except BaseException as error:
        if held >= 0:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise UserError(f"{path} cannot be written: {error.strerror or error}") from None
        raise
    finally:
        if held >= 0:
            os.close(held)
    sync(path.parent)
    faults.point("file.replaced")


def write_atomically(path: Path, text: str | Iterable[str]) -> None:
    """Replace the file at `path` by `text`, whole or in lines, in UTF-8. Raises what `replacing` does.

    Names of files that are no UTF-8 are in it as escapes.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines([text] if isinstance(text, str) else text)


def sweep(folder: Path) -> None:
    """Delete what processes that were killed as they wrote into `folder` left of `replacing`."""
    for path in folder.glob(".nas-*.tmp"):
        with suppress(OSError, UserError), reading(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()

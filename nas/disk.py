"""How does what is written stay written? Synced, replaced whole, and a full disk is told in one line."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nas import faults
from nas.errors import DiskFull, disk_is_full


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
def replacing(path: Path) -> Iterator[Path]:
    """Yield where to write what then takes the place of `path`, which holds the old or the new, never half.

    Raises DiskFull where there is no space; nothing half-written stays.
    """
    temporary = path.with_name(path.name + ".tmp")
    with full_disk_told(path):
        try:
            yield temporary
            sync(temporary)
            faults.point("file.written")
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    sync(path.parent)
    faults.point("file.replaced")


def write_atomically(path: Path, text: str | Iterable[str]) -> None:
    """Replace the file at `path` by `text`, whole or in lines. Raises DiskFull where there is no space."""
    with replacing(path) as temporary, temporary.open("w") as file:
        file.writelines([text] if isinstance(text, str) else text)

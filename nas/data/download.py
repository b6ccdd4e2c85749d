"""Where do downloaded data live, and how does a file get there whole or not at all?"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from hashlib import file_digest
from pathlib import Path

from nas.core.errors import UserError

TIMEOUT = 30  # seconds without an answer
CHUNK = 1 << 18  # bytes


def cache_dir() -> Path:
    """Where downloads are kept: the directory named by NAS_DATA_DIR, else ~/.cache/nas."""
    return Path(os.environ.get("NAS_DATA_DIR") or "~/.cache/nas").expanduser()


def fetch(url: str, md5: str | None, destination: Path) -> None:
    """Download `url` to the file `destination`, unless that is there already with this MD5 sum (in hex).

    Without a sum who reads the file checks it. Raises UserError when the network fails, the answer ends early or has
    another sum; nothing partial stays.
    """
    if destination.is_file() and md5 in (None, _md5(destination)):
        return
    by_hand = f"try again, or put the file at {destination} by hand"
    partial = _beside(destination) / destination.name
    try:
        _stream(url, partial)
        if md5 is not None and _md5(partial) != md5:
            raise UserError(f"{url}: damaged: MD5 {_md5(partial)} instead of {md5}: {by_hand}")
        partial.replace(destination)
    except _network_errors() as error:
        reason = getattr(error, "reason", error)
        raise UserError(f"{url}: cannot be downloaded ({reason}): {by_hand}") from error
    finally:
        shutil.rmtree(partial.parent)


def unpack(archive: Path, directory: Path) -> None:
    """Extract a tar `archive`, compressed or not, as the new `directory`; where that exists, do nothing.

    Raises UserError for a broken archive and for a member that would land outside, and leaves nothing behind.
    """
    import tarfile
    import zlib

    if directory.exists():
        return
    workplace = _beside(directory)
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(workplace / directory.name, filter="data")
        (workplace / directory.name).rename(directory)
    except tarfile.FilterError as error:
        member = error.tarinfo.name
        raise UserError(f"{archive}: unsafe member {member!r}: get the archive from elsewhere") from error
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        if not directory.exists():  # it does where another process was faster
            raise UserError(f"{archive}: cannot be unpacked ({error}): remove it and try again") from error
    finally:
        shutil.rmtree(workplace)


def _beside(target: Path) -> Path:
    """A new directory on the target's file system, from where a rename puts things in place at once."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        reason = f"cannot be written to ({error.strerror})"
        raise UserError(f"{target.parent}: {reason}: set NAS_DATA_DIR to a directory that can") from error


def _stream(url: str, partial: Path) -> None:
    from urllib.request import urlopen

    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with (
        urlopen(url, timeout=TIMEOUT) as answer,
        partial.open("wb") as file,
        Progress(console=console, disable=not sys.stderr.isatty(), transient=True) as progress,
    ):
        length = answer.headers.get("Content-Length")
        bar = progress.add_task(url.rpartition("/")[2], total=int(length) if length else None)
        while chunk := answer.read(CHUNK):
            file.write(chunk)
            progress.advance(bar, len(chunk))
        if length and file.tell() < int(length):
            raise ConnectionError(f"the answer ended {int(length) - file.tell()} bytes early")


def _network_errors() -> tuple[type[Exception], ...]:
    from http.client import HTTPException  # here, for `nas.data` to stay quick to import

    return OSError, HTTPException


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "md5").hexdigest()

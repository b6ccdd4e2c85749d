"""Who works on a run? One engine at a time holds the lock on a file of it, and a note beside says which."""

import errno
import fcntl
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from nas.core.errors import InUse, UserError
from nas.runs.disk import opened, read_text

NOTE = "engine"
_TRIES = 50  # of 20 ms, until who has the lock has told its name


def locked(path: Path) -> int:
    """Return a handle for appending to the file at `path`, made if need be, which nobody else has until it is closed.

    The system frees the lock when the process dies. Raises InUse naming who has it, UserError where the file system
    knows no locks, and what `opened` raises.
    """
    while True:
        handle = opened(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            _take(handle, path)
            if _lies_at(handle, path):  # else who had it before has deleted it: another may have the new one
                with suppress(OSError, UserError):  # the lock is what counts
                    _leave_note(path.with_name(NOTE))
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _take(handle: int, path: Path) -> None:
    for left in reversed(range(_TRIES)):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise UserError(
                    f"{path} cannot be locked ({error.strerror}): its file system knows no locks, use another"
                ) from None
        holder = ""
        with suppress(OSError, UserError, ValueError):
            holder = read_text(path.with_name(NOTE)).strip()
        if holder or not left:
            told = " ".join(holder.split())[:200] or "another process"
            raise InUse(f"{path.parent} is in use by {told}: wait for it, or choose another --name")
        time.sleep(0.02)


def _lies_at(handle: int, path: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(handle), path.lstat())
    return False


def _leave_note(note: Path) -> None:
    handle = opened(note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        os.write(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    finally:
        os.close(handle)

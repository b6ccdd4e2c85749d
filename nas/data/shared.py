"""Which memory do a process and those that decode for it share? That of a file without a name, which may grow."""

from __future__ import annotations

import os
import tempfile
from mmap import mmap
from typing import Any

import numpy as np

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


class Shared:
    """The memory of an open file, which other processes may have inherited. Its owner alone grows and empties it."""

    def __init__(self, file: int) -> None:
        self.file = file
        self._mapped: mmap | None = None

    @classmethod
    def new(cls) -> Shared:
        """Return memory of nobody else yet."""
        if hasattr(os, "memfd_create"):
            return cls(os.memfd_create("images"))
        with tempfile.TemporaryFile() as file:
            return cls(os.dup(file.fileno()))

    def grow(self, size: int) -> None:
        """Let it have so many bytes at least."""
        if os.fstat(self.file).st_size < size:
            os.ftruncate(self.file, size)

    def empty(self) -> None:
        """Give back what it holds."""
        os.ftruncate(self.file, 0)

    def close(self) -> None:
        """Leave it to those who have inherited it."""
        os.close(self.file)

    def bytes(self, start: int, count: int) -> Bytes:
        """Return so many of its bytes from `start` on, uint8 [count], to read and write. It has to have them."""
        if self._mapped is None or len(self._mapped) < start + count:
            self._mapped = mmap(self.file, 0)  # all that there is now
        return np.frombuffer(self._mapped, np.uint8, count, start)

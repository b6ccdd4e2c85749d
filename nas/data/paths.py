"""How are the names of a million files held? As texts: as many objects of pathlib would take half a gigabyte."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload


class Paths(Sequence[Path]):
    """Paths that are made when they are asked for, of `names`."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> Paths: ...
    def __getitem__(self, index: int | slice) -> Path | Paths:
        return Paths(self.names[index]) if isinstance(index, slice) else Path(self.names[index])


def names_of(paths: Sequence[Path]) -> Sequence[str]:
    """Return the paths as texts."""
    return paths.names if isinstance(paths, Paths) else [str(path) for path in paths]

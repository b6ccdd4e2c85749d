"""Neural architecture search under hard constraints: `nas.search(space, train, ...)` or `python -m nas.main`."""

from typing import TYPE_CHECKING, Any

from nas.errors import ClusterLost, Corrupt, DiskFull, Diverged, InUse, UserError

if TYPE_CHECKING:
    from nas.api import Run, search

__all__ = ["ClusterLost", "Corrupt", "DiskFull", "Diverged", "InUse", "Run", "UserError", "search"]


def __getattr__(name: str) -> Any:
    """Import the library when it is used: `nas.main --help` answers without it."""
    if name in __all__:
        from nas import api

        return getattr(api, name)
    raise AttributeError(f"module 'nas' has no attribute {name!r}")

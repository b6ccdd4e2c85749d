"""Neural architecture search under hard constraints: `nas.search(space, train, ...)` or `python -m nas.main`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nas.errors import ClusterLost, Corrupt, DiskFull, Diverged, InUse, Unbuildable, UserError

if TYPE_CHECKING:
    from nas.api import search
    from nas.asktell import AskTell, Assignment
    from nas.constraints import Constraint
    from nas.executors.perform import Train
    from nas.run import Run
    from nas.types import Result, Status, Trial

__all__ = [
    "AskTell", "Assignment", "ClusterLost", "Constraint", "Corrupt", "DiskFull", "Diverged", "InUse", "Result", "Run",
    "Status", "Train", "Trial", "Unbuildable", "UserError", "search",
]  # fmt: skip

_HOMES = {
    "AskTell": "asktell", "Assignment": "asktell", "Constraint": "constraints", "Result": "types", "Run": "run",
    "Status": "types", "Train": "executors.perform", "Trial": "types", "search": "api",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the library when it is used: `nas.main --help` answers without it."""
    if name in _HOMES:
        return getattr(import_module(f"nas.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'nas' has no attribute {name!r}")

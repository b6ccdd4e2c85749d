"""Neural architecture search under hard constraints: `nas.search(space, train, ...)` or `python -m nas.main`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nas.core.errors import ClusterLost, Corrupt, DiskFull, Diverged, InUse, Unbuildable, UserError

if TYPE_CHECKING:
    from nas.api import run, search
    from nas.asked import Limits, Machine, Search
    from nas.asktell import AskTell, Assignment
    from nas.core.constraints import Constraint
    from nas.core.types import Result, Status, Trial
    from nas.engine.executors.perform import Train
    from nas.runs.run import Run

__all__ = [
    "AskTell", "Assignment", "ClusterLost", "Constraint", "Corrupt", "DiskFull", "Diverged", "InUse", "Limits",
    "Machine", "Result", "Run", "Search", "Status", "Train", "Trial", "Unbuildable", "UserError", "run", "search",
]  # fmt: skip

_HOMES = {
    "AskTell": "asktell", "Assignment": "asktell", "Constraint": "core.constraints", "Limits": "asked",
    "Machine": "asked", "Result": "core.types", "Run": "runs.run", "Search": "asked", "Status": "core.types",
    "Train": "engine.executors.perform", "Trial": "core.types", "run": "api", "search": "api",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the library when it is used: `nas.main --help` answers without it."""
    if name in _HOMES:
        return getattr(import_module(f"nas.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'nas' has no attribute {name!r}")

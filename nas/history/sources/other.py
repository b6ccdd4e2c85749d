"""What does another history give? All of its spaces, tasks and curves."""

from pathlib import Path

from nas.history.history import History
from nas.history.sources.found import Found


def found(path: Path) -> list[Found]:
    """Return what the history at `path` holds, a space each. Raises UserError where it is no whole history."""
    with History(path) as history:
        return [
            Found(str(path), name, digest, tuple(history.tasks(digest).values()), history.curves(digest))
            for digest, name in history.spaces().items()
        ]

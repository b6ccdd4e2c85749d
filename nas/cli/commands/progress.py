"""How does a long training look? A bar over its steps, on a terminal only."""

from collections.abc import Iterable

from rich.console import Console as Terminal
from rich.progress import track

from nas.training.evaluation import Progress
from nas.training.training import Batch


def bar(title: str, quiet: bool) -> Progress:
    """Return what to wrap the batches in."""
    terminal = Terminal(stderr=True)

    def progress(batches: Iterable[Batch], total: int, done: int) -> Iterable[Batch]:
        hidden = quiet or not terminal.is_terminal
        return track(batches, title, total, done, console=terminal, disable=hidden, transient=True)

    return progress

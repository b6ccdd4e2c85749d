"""How does a long training look? A bar over its epochs, on a terminal only."""

from collections.abc import Callable, Iterable

from rich.console import Console as Terminal
from rich.progress import track


def epoch_bar(title: str, quiet: bool) -> Callable[[Iterable[int]], Iterable[int]]:
    """Return what to wrap the epochs in."""
    terminal = Terminal(stderr=True)

    def progress(epochs: Iterable[int]) -> Iterable[int]:
        hidden = quiet or not terminal.is_terminal
        return track(list(epochs), title, console=terminal, disable=hidden, transient=True)

    return progress

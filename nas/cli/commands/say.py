"""How does text reach the terminal? A line is a line: what names and errors of others hold cannot steer it."""

import sys
from collections.abc import Callable
from typing import TextIO

from nas.core.words import one_line


def plain(text: object) -> str:
    """Return `text` with its line ends, but all other control characters written as escapes."""
    return "\n".join(map(one_line, str(text).split("\n")))


def say(text: object, file: TextIO | None = None) -> None:
    """Print text, several lines perhaps, on standard output or to `file`."""
    print(plain(text), file=file)


def warn(text: object) -> None:
    """Print one line on standard error."""
    print(f"nas: {one_line(text)}", file=sys.stderr)


def note(quiet: bool) -> Callable[[str], None]:
    """Return what prints a line on how it goes on standard error, unless `quiet`."""
    return lambda text: None if quiet else say(text, sys.stderr)

"""How is one thing done to many files at once, and how many cores are there for it?"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from nas.core.errors import UserError

_BLOCK = 2048  # items that are in work at a time: a hundred thousand futures at once would take 100 MB
_NAMED = 5  # broken files that are told by name
_MOST = 32  # decoding processes for one training
Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Return the CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spare(trainings: int, threads: int) -> int:
    """Return the decoding processes that each of so many `trainings` may have: on the cores that none of them uses."""
    return max(0, min(_MOST, cores() // max(1, trainings) - threads))


def in_threads(function: Callable[[Item], Result], items: Sequence[Item], title: str = "") -> list[Result]:
    """Return `function` of each item, in order, by one thread a core: decoders let go of the interpreter lock.

    On a terminal a bar shows how far many items have come, where there is a `title` for it.
    """
    results = list[Result]()
    with ThreadPoolExecutor(cores()) as pool:
        for start in _shown(range(0, len(items), _BLOCK), title):
            results += pool.map(function, items[start : start + _BLOCK])
    return results


def all_in_threads(function: Callable[[Item], Result], items: Sequence[Item], title: str = "") -> list[Result]:
    """Return the same. Raises one UserError for all items that `function` raises one for."""

    def tried(item: Item) -> Result | UserError:
        try:
            return function(item)
        except UserError as error:
            return error

    results = in_threads(tried, items, title)
    errors = [each for each in results if isinstance(each, UserError)]
    if errors:
        more = f"; {len(errors) - _NAMED} more" if len(errors) > _NAMED else ""
        count = f"{len(errors)} images: " if len(errors) > 1 else ""
        raise UserError(count + "; ".join(map(str, errors[:_NAMED])) + more)
    return [each for each in results if not isinstance(each, UserError)]


def _shown(blocks: Sequence[int], title: str) -> Iterable[int]:
    if not title or len(blocks) < 2 or not sys.stderr.isatty():
        return blocks
    from rich.console import Console
    from rich.progress import track

    return track(blocks, title, console=Console(stderr=True), transient=True)

"""Work in a process of its own: nothing else is in its memory, and what kills it kills nobody else."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

T = TypeVar("T")


def alone(work: Callable[..., T], *arguments: object) -> T:
    """Return what `work` returns there. Raises what it raises, BrokenProcessPool where its process dies."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()

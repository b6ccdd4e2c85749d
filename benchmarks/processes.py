"""Processes that leave Ctrl-C to the one that started them, and end when it does, whatever ends it."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process, resource_tracker
from typing import TypeVar

from pebble import ProcessPool

T = TypeVar("T")


@contextmanager
def pool(count: int) -> Iterator[ProcessPool]:
    """Yield a pool of `count` processes; what they still do when the block ends is ended."""
    processes = ProcessPool(count, context=get_context("spawn"), initializer=_end_with_the_parent)
    try:
        with _deaf_to_ctrl_c():
            processes.schedule(os.getpid)  # the first job starts them, and the threads that will start others
        yield processes
    finally:
        processes.stop()
        processes.join()


def alone(work: Callable[..., T], *arguments: object) -> T:
    """Return what `work` returns in a process of its own, in whose memory is nothing else.

    Raises what it raises, BrokenProcessPool where that process dies.
    """
    with ProcessPoolExecutor(1, get_context("spawn"), _end_with_the_parent) as executor:
        try:
            with _deaf_to_ctrl_c():
                future = executor.submit(work, *arguments)
            return future.result()
        except KeyboardInterrupt:
            for child in active_children():
                child.kill()
            raise


@contextmanager
def starting_line(count: int, patience: float) -> Iterator[threading.Barrier]:
    """Yield where `count` processes wait for each other, in seconds for `patience` at most."""
    with _deaf_to_ctrl_c():
        manager = get_context("spawn").Manager()
    with manager:
        yield manager.Barrier(count, timeout=patience)


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let what is started in the block never hear of Ctrl-C, nor what that starts: they inherit the mask."""
    resource_tracker.ensure_running()  # it takes the mask away when it starts
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def use_one_thread() -> None:
    """Let the processes that are started from now on use one thread each."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")


def _end_with_the_parent() -> None:
    def watch() -> None:
        parent = parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()

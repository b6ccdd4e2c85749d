"""How does a batch system ask a search to stop? SIGTERM, SIGUSR1 and SIGUSR2: at the next committed result."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOPPING = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


@contextmanager
def stop_requests(told: Callable[[str], None]) -> Iterator[None]:
    """In the block call `told` with the name of the first such signal; a second one ends the process at once.

    Main thread only: elsewhere signals cannot be heard.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in STOPPING}

    def first(number: int, _: object) -> None:
        for each in STOPPING:
            signal.signal(each, signal.SIG_DFL)
        told(signal.Signals(number).name)

    for number in STOPPING:
        signal.signal(number, first)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Let nothing interrupt the block: what is at hand is put away; main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def exit_status(stopped: str) -> int:
    """Return the exit status of a run that ended so: 130 after Ctrl-C, 128 + number after another signal, else 0."""
    if stopped == "interrupted":
        return 130
    return 128 + signal.Signals[stopped] if stopped in {number.name for number in STOPPING} else 0

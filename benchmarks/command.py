"""How does every benchmark show what it has, and end, as a command?"""

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import NoReturn

from pebble import ProcessExpired
from rich.console import Console
from rich.live import Live
from rich.table import Table

import nas
from nas.core.errors import DiskFull
from nas.engine.signals import exit_status
from nas.runs.disk import disk_is_full


def run(main: Callable[[], int]) -> NoReturn:
    """Exit with what `main` returns; what goes wrong from outside is told in a line.

    With 130 after Ctrl-C, with its own status after a UserError, with 2 where a file cannot be used, with 1 where a
    process died; quietly where nobody reads on.
    """
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = told(130, "stopped: what was measured by then is printed above, or kept")
    except nas.UserError as error:
        status = told(error.exit_status, str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor does the interpreter complain at its end
        status = 0
    except (ProcessExpired, BrokenProcessPool) as death:
        status = told(1, f"a process of the benchmark died, perhaps for want of memory: {death}")
    except OSError as error:
        status = told((DiskFull if disk_is_full(error) else nas.UserError).exit_status, str(error))
    sys.exit(status)


def told(status: int, message: str) -> int:
    print(message, file=sys.stderr)
    return status


@contextmanager
def growing(table: Table) -> Iterator[None]:
    """Show `table` while the block adds rows; where that is no terminal when it ends, however it ends."""
    console = Console()
    try:
        with Live(table, console=console):
            yield
    finally:
        if not console.is_terminal:
            console.print()  # Live ends no line there


def whole(search: nas.Run) -> nas.Run:
    """Return it. Raises KeyboardInterrupt where a signal ended it, by which `nas.search` ends in order."""
    if exit_status(search.stopped):
        raise KeyboardInterrupt
    return search

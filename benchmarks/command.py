"""How does every benchmark end as a command?"""

import os
import sys
from collections.abc import Callable
from typing import NoReturn

import nas


def whole(search: nas.Run) -> nas.Run:
    """Return it. Raises KeyboardInterrupt where Ctrl-C ended it, by which `nas.search` ends in order."""
    if search.stopped == "interrupted":
        raise KeyboardInterrupt
    return search


def run(main: Callable[[], int]) -> NoReturn:
    """Exit with what `main` returns, with 130 where Ctrl-C stops it, quietly where nobody reads on."""
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("stopped: what was measured by then is printed above, or kept", file=sys.stderr)
        status = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor does the interpreter complain at its end
        status = 0
    sys.exit(status)

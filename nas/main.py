"""`python -m nas.main`: the process of the command line. What takes long to import is imported when it is needed."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nas.core.errors import UserError

if TYPE_CHECKING:
    from argparse import Namespace


def arguments(argv: Sequence[str]) -> "Namespace":
    """Return the parsed arguments."""
    from nas.cli.arguments import arguments

    return arguments(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status. Without `argv` the process is the command's own.

    0; 1 nothing found; 2 bad input; 3 corrupt run; 4 disk full; 5 run in use; 6 cluster lost; 7 winner found, but it
    could not be trained or tested; 130 interrupted; 143 and so on for other signals.
    """
    if argv is not None:
        return _status(lambda: _command(argv)())
    own = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not ignored, as in a shell's background
    if own:
        signal.signal(signal.SIGINT, _leave)
    from nas.cli import home, streams

    streams.prepare()
    home.prepare()

    def run() -> int:
        command = _command(sys.argv[1:])
        if not own:
            return command()
        with _interruptible():
            return command()

    return streams.concluded(_status(run))


def _command(argv: Sequence[str]) -> Callable[[], int]:
    """Return what does what the words ask for, everything imported."""
    parsed = arguments(argv)
    from nas.cli import commands

    return lambda: commands.COMMANDS[parsed.command](parsed)


def _status(command: Callable[[], int]) -> int:
    """Return the exit status of a command; what it raises is told in one line."""
    from nas.core.words import one_line

    try:
        return command()
    except UserError as error:
        print(f"nas: {one_line(error)}", file=sys.stderr)
        return error.exit_status
    except OSError as error:
        told = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else error
        print(f"nas: {one_line(told)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("nas: interrupted", file=sys.stderr)
        return 130


def _leave(*_: object) -> None:
    """End the process: KeyboardInterrupt in the midst of an import ends as whatever the module makes of it."""
    os.write(2, b"nas: interrupted\n")
    os._exit(130)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt in the block, and end the process before and after it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _leave)


if __name__ == "__main__":
    sys.exit(main())

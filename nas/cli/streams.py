"""What becomes of output that cannot be shown or that nobody reads? Escaped or dropped, and the work goes on."""

import codecs
import errno
import io
import os
import sys
from typing import TextIO

from nas.core.errors import DiskFull, disk_is_full

_ALIKE = (
    dict.fromkeys("─━╸╺", "-")
    | dict.fromkeys("│┃", "|")
    | dict.fromkeys("┌┐└┘├┤┬┴┼┏┓┡┩┳╇", "+")
    | {"…": "...", "±": "+-"}
)


class Output(io.TextIOWrapper):
    """A standard stream. What its encoding lacks is escaped; once it cannot be written to, all goes nowhere."""

    fault: OSError | None = None

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Let what is buffered, and what is to come, go nowhere."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        self.fault = self.fault or error


def prepare() -> None:
    """Make standard output and error such streams, also where they were closed or have an encoding of old."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # or the first file to be opened would be taken for it
            os.open(os.devnull, os.O_RDWR)
    if "WORLD_SIZE" in os.environ:  # processes that train together would each print torch's warnings of that
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    codecs.register_error("nas.alike", _alike)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = _output(sys.stdout, 1), _output(sys.stderr, 2)


def concluded(status: int) -> int:
    """Return the exit status when all is written: another than 0 where the output was lost, unless nobody read it."""
    sys.stdout.flush()
    fault = getattr(sys.stdout, "fault", None)
    if not fault or fault.errno == errno.EPIPE:
        return status
    print(f"nas: standard output cannot be written: {fault.strerror}", file=sys.stderr)
    return status or (DiskFull.exit_status if disk_is_full(fault) else 1)


def _output(before: TextIO | None, number: int) -> Output:
    buffer = os.fdopen(number, "wb", closefd=False)
    encoding = (before and before.encoding) or "utf-8"
    prompt = number == 2 or buffer.isatty() or getattr(before, "write_through", False)
    return Output(buffer, encoding, "nas.alike", line_buffering=prompt)


def _alike(error: UnicodeError) -> tuple[str, int]:
    """Return ASCII in place of what an encoding lacks: lines of a table as such, all else as escapes."""
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(_ALIKE.get(char) or ascii(char)[1:-1] for char in lacking), error.end

"""How is a safetensors file opened whose path is not UTF-8? By its handle: the library takes no such path."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import safe_open


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Yield the file at `path` as safetensors opens it for torch. Raises OSError and SafetensorError."""
    with path.open("rb") as file, safe_open(f"/dev/fd/{file.fileno()}", framework="pt") as content:
        yield content

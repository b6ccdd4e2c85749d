"""Which space is meant? One that is known by its name or lies in a file, or how a known network trains."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.core.errors import UserError
from nas.core.types import Config
from nas.core.words import one_line
from nas.spaces.known import Build, Shape, Source, Space, is_known, load_known, names

__all__ = ["Build", "Shape", "Source", "Space", "load", "load_for", "names"]


def load(name: str) -> Space:
    """Return the space called `name`, that in the Python file at `name`, or that of the model which it names.

    Raises UserError where there is none, or it lacks a part.
    """
    if is_known(name):
        return load_known(name)
    from nas.spaces.models.space import space_of  # here: it costs more to import

    return space_of(name)


def load_for(values: Mapping[str, Any], name: str, digest: str, source: str | None, file: Path) -> tuple[Space, Config]:
    """Return the space called `name` and the configuration of `values` in it, which `file` holds.

    Raises UserError where the hyperparameters are not those of that time, of which `digest` is the hash. Where only
    the file is another than `source` says, where that is known, a note tells it: the networks may differ.
    """
    space = load(name)
    config = space.config(values, str(file))
    if space.digest != digest:
        raise UserError(f"{file} was saved with another version of space {name}: give --space FILE.py")
    if source and space.source != source:
        print(one_line(f"note: {name} has changed since {file} was saved"), file=sys.stderr)
    return space, config

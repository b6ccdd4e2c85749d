"""What does the command line say of flags that it does not know, and of itself?"""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from nas.core.words import nearest, one_line


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"nas: {one_line(message)} (see --help)", file=sys.stderr)
        sys.exit(2)

    def refuse(self, rest: Sequence[str]) -> NoReturn:
        """Say that these words are not known, and which flag the first was probably meant to be."""
        meant = nearest(rest[0].partition("=")[0], self.flags()) if rest[0].startswith("--") else ""
        self.error(f"unrecognized arguments: {' '.join(rest)}" + (f": did you mean {meant}?" if meant else ""))

    def flags(self, with_value: bool = False) -> list[str]:
        """Return the long flags, or only those that take a value."""
        known = self._option_string_actions
        return [name for name, flag in known.items() if name.startswith("--") and (flag.nargs != 0 or not with_value)]


class Version(argparse.Action):
    """Shows the versions, which are looked up only then: to import torch takes seconds."""

    def __call__(self, *_: object) -> NoReturn:
        print(", ".join(f"{name} {_version(name)}" for name in ("constrained-nas", "torch")))
        sys.exit(0)


def _version(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"

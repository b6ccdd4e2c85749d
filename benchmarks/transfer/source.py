"""Where do the databases come from, and where are results kept? The flags that the commands share."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from benchmarks.transfer.database import NAMES, Database, load

RESULTS = Path("benchmarks/results/transfer")
_DATA = Path("../shared/data")


def add_folders(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add = parser.add_argument
    add("--databases", nargs="+", choices=NAMES, default=list(NAMES), metavar="NAME")
    for name in NAMES:
        add(f"--{name.lower()}", type=Path, metavar="DIR", help=f"folder of {name}'s files; downloaded where not given")
    add("--results", type=Path, default=RESULTS, metavar="DIR", help="where results are kept")


def databases(asked: argparse.Namespace) -> Iterator[Database]:
    """Yield the databases that are asked for."""
    for name in asked.databases:
        here = _DATA / name.lower()
        yield load(name, getattr(asked, name.lower()) or (here if here.is_dir() else None))

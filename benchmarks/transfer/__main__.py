"""python -m benchmarks.transfer: what do learning curves of old tasks save on a new one?

Every method recommends a configuration for a new task of a public database after each epoch that it spends there. What
it recommends is judged by its regret and rank. Rows are kept in --results, so the same command goes on where it was.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from benchmarks.command import run
from benchmarks.kept import locked
from benchmarks.transfer.cases import PROTOCOLS
from benchmarks.transfer.database import NAMES
from benchmarks.transfer.methods import METHODS, MISLED
from benchmarks.transfer.report import figure, misled, table
from benchmarks.transfer.rows import Row, read, rows
from benchmarks.transfer.source import add_folders, databases
from nas.core.errors import UserError
from nas.runs.disk import write_atomically

JUDGED = ("official", "leave-one-out")


def main() -> int:
    """Run what is missing, print the tables, and write them and the figure beside the rows."""
    asked = _flags()
    with locked(asked.results):
        for row in _measured(asked):
            print(f"{row.database}, {row.protocol}, {row.method}, {row.new}: {row.seconds:.1f} s", flush=True)
    _show(asked.results)
    return 0


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add_folders(parser)
    add("--protocols", nargs="+", choices=PROTOCOLS, default=list(JUDGED), metavar="NAME")
    add("--methods", nargs="+", choices=tuple(METHODS), default=list(METHODS), metavar="NAME")
    return parser.parse_args()


def _measured(asked: argparse.Namespace) -> Iterator[Row]:
    """Yield what is asked for and can be run here, database by database."""
    for name in asked.methods:
        if METHODS[name].missing:
            print(f"{name} is left out: {METHODS[name].missing}")
    able = [name for name in asked.methods if not METHODS[name].missing]
    for database in databases(asked):
        for protocol in asked.protocols:
            yield from rows(database, protocol, able, asked.results / f"{database.name.lower()}.jsonl")


def _show(results: Path) -> None:
    """Print and write what is kept, whatever was asked for now. Raises UserError where that is nothing."""
    kept = [row for name in NAMES for row in read(results / f"{name.lower()}.jsonl")]
    if not kept:
        raise UserError(f"{results} keeps nothing of what is asked for")
    groups = {
        (name, protocol): own
        for name in NAMES
        for protocol in PROTOCOLS
        if (own := [row for row in kept if (row.database, row.protocol) == (name, protocol)])
    }
    text = "\n\n".join(
        "\n".join([f"## {name}, {protocol}: {what}", "", *table(own, what)])
        for (name, protocol), own in groups.items()
        for what in ("regret", "rank")
    )
    for (name, protocol), own in groups.items():
        if any(row.method == MISLED for row in own):
            text += "\n\n" + "\n".join([f"## {name}, {protocol}: a history that misleads", "", *misled(own)])
    print(text)
    write_atomically(results / "tables.md", f"{text}\n")
    judged = {group: own for group, own in groups.items() if group[1] in JUDGED}
    if judged:
        figure(judged, results / "regret.svg")


if __name__ == "__main__":
    run(main)

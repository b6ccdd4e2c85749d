"""Which flags has a history? What is done with it, and what must be said of tables of others."""

import argparse
from pathlib import Path

from nas.cli.flag_values import choice, choices, path, space, value, word
from nas.core.units import positive

ACTIONS = ("add", "list", "show", "remove")
DEFAULT = Path("history.db")


def add_history(history: argparse.ArgumentParser) -> None:
    """Add all of them."""
    history.add_argument("action", type=choice("action", ACTIONS), metavar=choices(ACTIONS), help="what to do")
    told = (
        "add: folders of runs or comparisons, tables (.csv, .parquet), other histories, hyperrec, lcbench; "
        "show, remove: names of tasks"
    )
    history.add_argument("what", type=word, nargs="*", metavar="WHAT", help=told)
    told = f"of the learning curves (default: {DEFAULT})"
    history.add_argument("--history", type=path, default=DEFAULT, metavar="FILE", help=told)
    history.add_argument(
        "--space", type=space, metavar="NAME|FILE.py", help="of a table; list, show, remove: only this one"
    )
    adding = history.add_argument_group("add")
    adding.add_argument(
        "--task", type=word, metavar="NAME", help="of a run or a table (default: as its data are called)"
    )
    adding.add_argument(
        "--from", dest="folder", type=path, metavar="DIR", help="where hyperrec or lcbench lies already"
    )
    for name in ("task", "seed", "epoch"):
        adding.add_argument(f"--{name}-column", type=word, default=name, metavar="NAME", help=f"(default: {name})")
    adding.add_argument(
        "--metric-columns", type=word, nargs="+", default=(), metavar="NAME",
        help="(default: those that begin with metric., or else all that are nothing else)",
    )  # fmt: skip
    adding.add_argument("--allow-gaps", action="store_true", help="curves of a table may lack epochs before their last")
    showing = history.add_argument_group("show")
    showing.add_argument(
        "--metric", type=word, metavar="[-]NAME", help="by which the best are told, least first with a dash before it"
    )
    showing.add_argument("--top", type=value(positive), default=5, metavar="N", help="configurations (default: 5)")

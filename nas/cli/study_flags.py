"""Which flags has a study of learning rates? What is trained, by what, at which rates, on which seeds."""

import argparse
from pathlib import Path
from typing import Any

from nas.cli.flag_values import data, path, plain_name, space, value, word
from nas.cli.part_flags import part_as_written
from nas.cli.search_flags import add_machine, add_workers
from nas.core.errors import UserError
from nas.core.units import count, number, positive

EPOCHS = 20
_RATES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def add_lr_study(study: argparse.ArgumentParser) -> None:
    """Add all of them."""
    _add_what(study)
    _add_by_what(study)
    add_landing(study, "studies")


def add_landing(parser: argparse.ArgumentParser, what: str) -> Any:
    """Add where trainings run, and where what comes of them lands; return the group of these flags."""
    machine = parser.add_argument_group("machine and output")
    add_workers(machine)
    add_machine(machine)
    machine.add_argument("--deterministic", action="store_true", help="the same results on a GPU too, at some cost")
    machine.add_argument("--run-dir", type=path, default=Path("runs"), metavar="DIR", help=f"where {what} land")
    machine.add_argument("--name", type=plain_name, metavar="NAME", help="of its folder; an unfinished one goes on")
    machine.add_argument("--quiet", action="store_true", help="print the result only")
    return machine


def _add_what(study: argparse.ArgumentParser) -> None:
    what = study.add_argument_group("what is trained")
    what.add_argument(
        "--data", type=data, metavar="NAME|DIR", help="a data set (nas data) or an image folder (default: digits-m)"
    )
    what.add_argument(
        "--space", type=space, metavar="NAME|FILE.py", help="whose default configuration is trained (default: cnn)"
    )
    what.add_argument(
        "--config",
        type=path,
        metavar="FILE",
        help="another configuration: a saved one, such as runs/NAME/best.json, or the values",
    )
    what.add_argument("--image-size", type=value(positive), metavar="N", help="resize and centre-crop to N x N")
    what.add_argument("--epochs", type=value(positive), metavar="N", help=f"of each training (default: {EPOCHS})")
    what.add_argument(
        "--objective", type=word, default="accuracy", metavar="METRIC", help="rates are chosen by; -METRIC is minimised"
    )


def _add_by_what(study: argparse.ArgumentParser) -> None:
    how, named = study.add_argument_group("by what it is trained"), "NAME[:parameter=value,...]"
    for kind, plural, usual in (
        ("policy", "policies", ["autolrs", "cosine", "constant"]),
        ("optimizer", "optimizers", ["sgd", "adamw"]),
    ):
        told = f"each with every other (nas parts {kind}; default: {' '.join(usual)})"
        how.add_argument(f"--{plural}", nargs="+", type=part_as_written(kind), default=usual, metavar=named, help=told)
    how.add_argument(
        "--rates", nargs="+", type=value(rate), default=list(_RATES), metavar="R",
        help="to tune all by that do not find their own (default: 1e-4 1e-3 1e-2 1e-1 1)",
    )  # fmt: skip
    how.add_argument(
        "--learning-rate", type=value(rate), metavar="R", help="where those begin that do (default: the recipe's)"
    )
    how.add_argument(
        "--seeds", nargs="+", type=value(count), default=[0, 1, 2], metavar="N", help="of weights and order (0 1 2)"
    )


def rate(text: str) -> float:
    """Return the learning rate that `text` means. Raises UserError for others and where it is not above 0."""
    found = number(text)
    if found <= 0:
        raise UserError(f"{text} is no learning rate: it must be above 0")
    return found

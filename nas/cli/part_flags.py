"""Which flags do the parts have? Those of their parameters, with help and checks from there."""

import argparse
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from nas.cli.flag_values import value, word
from nas.core import parts
from nas.core.parameters import Check, check_of
from nas.core.units import count, number, positive

# Settings of the trainer, as flags of an X or an N.
_NUMBERS = {
    "learning-rate": "in place of the space's",
    "weight-decay": "in place of the space's, or the optimizer's own",
    "momentum": "in place of the space's, or the optimizer's own; of one that has betas the first of them",
    "label-smoothing": "of the cross-entropy, in place of the space's",
    "mixup": "alpha of the shares in which two images are mixed, such as 0.2; else none are",
    "ema": "decay a step of the mean of the weights that is judged and kept, such as 0.999; else the weights are",
}
_COUNTS = {
    "batch-size": "images, in place of the space's",
    "micro-batch": "images at a time, where a batch does not fit: their gradients are added up",
}


def add_part(group: Any, kind: str, default: str | None, help: str, own: bool = False) -> None:
    """Add the flag that chooses a part of this kind, and, where `own`, a file of the user's."""
    names = ",".join(parts.names(kind))
    shown = f"{{{names},FILE.py:NAME}}" if own else f"{{{names}}}"
    group.add_argument(f"--{kind}", type=value(_part(kind, own)), default=default, metavar=shown, help=help)


def add_recipe(group: Any) -> None:
    """Add the flags that stand in place of what a space fixes of the trainer."""
    told = "in place of the space's; nas parts {} lists them"
    for kind in ("policy", "optimizer", "augmentation"):
        named = "NAME[:parameter=value,...]"
        group.add_argument(f"--{kind}", type=value(_part(kind, own=True)), metavar=named, help=told.format(kind))
    for name, help in _NUMBERS.items():
        group.add_argument(f"--{name}", type=value(number), metavar="X", help=help)
    for name, help in _COUNTS.items():
        group.add_argument(f"--{name}", type=value(positive), metavar="N", help=help)


def part_as_written(kind: str) -> Callable[[str], str]:
    """Return what reads a part and gives its text, once it is known to be one."""
    read = _part(kind, own=True)

    def checked(text: str) -> str:
        found = read(text)
        return found if isinstance(found, str) else text

    return value(checked)


def add_parameters(group: Any, only: Collection[str] = ()) -> None:
    """Add a flag for each parameter that is given by its own name, or for those of these names."""
    for name, holders in parts.parameters_by_name().items():
        if only and name not in only:
            continue
        cls, each = holders[0]
        check, annotation = check_of(each), get_type_hints(cls)[name]
        whose = ", ".join(holder.name for holder, _ in holders)
        group.add_argument(
            f"--{flag_of(name).replace('_', '-')}", dest=name, type=value(_reader(name, check, annotation)),
            metavar=_metavar(check, annotation),
            help=f"{check.help} [{whose}]",
        )  # fmt: skip


def _metavar(check: Check, annotation: Any) -> str:
    known = parts.names(check.part) if check.part else check.choices
    return f"{{{','.join(known)}}}" if known else "P" if annotation is float else "N"


def flag_of(parameter: str) -> str:
    """Return the name of its flag, without the dashes."""
    holders = parts.parameters_by_name().get(parameter, ())
    return next((check_of(each).flag for _, each in holders if check_of(each).flag), parameter)


def _reader(name: str, check: Check, annotation: Any) -> Callable[[str], Any]:
    """Return what reads the value of a parameter, and says what is wrong with it."""
    if check.part:
        return _part(check.part)
    if annotation is str:
        return lambda text: check.of(name, text, annotation)
    whole = annotation is int or annotation == int | None
    return lambda text: check.of(name, count(text, least=-(10**18)) if whole else number(text), annotation)


def _part(kind: str, own: bool = False) -> Callable[[str], Any]:
    """Return what reads "NAME" or "NAME:parameter=value,..." as a name or a mapping, or the place of the user's own."""

    def read(text: str) -> Any:
        if own and ".py:" in word(text):
            path, _, name = text.rpartition(":")
            return f"{Path(path).absolute()}:{name}"  # a run may go on from anywhere
        found = parts.made(kind, text)
        return found.described() if ":" in text else text

    return read


def parameters_of(parsed: argparse.Namespace) -> Mapping[str, Any]:
    """Return the parameters that were given."""
    given = {name: getattr(parsed, name, None) for name in parts.parameters_by_name()}
    return {name: value for name, value in given.items() if value is not None}

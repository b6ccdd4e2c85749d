"""Is an argument of the kind that it must be? Told in one line, before anything is trained."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace

from nas.core.errors import UserError

_KINDS: dict[str, tuple[Any, str]] = {
    "space": ((ConfigurationSpace,), 'a ConfigurationSpace, such as ConfigurationSpace({"width": (8, 512)})'),
    "measure": ((Callable, Mapping, type(None)), "a function of a configuration, or a dict of them"),
    "gpus": ((Sequence,), 'a list of GPUs, such as ["0", "1"]'),
    "cluster": ((str, type(None)), "the address of a Dask scheduler, or local:N"),
    "cluster_resources": ((Mapping, type(None)), 'a dict such as {"GPU": 1}'),
    "run_dir": ((str, Path, type(None)), "the path of a folder"),
    "initial": ((Iterable,), "a list of configurations"),
    "default": ((Mapping, type(None)), "a configuration: a dict of hyperparameters and their values"),
    "details": ((Mapping, type(None)), "a dict"),
    "command": ((Sequence,), "a list of words"),
    "trackers": ((Sequence,), "a list of functions"),
    "callbacks": ((Sequence,), "a list of functions"),
}
_LISTS = ("gpus", "initial", "command", "trackers", "callbacks")  # of which a lone text is no list


def check(arguments: Mapping[str, Any]) -> None:
    """Raise UserError for the first of the `arguments` of a search, by name, that is of another kind than it must be.

    What decides the history is checked by RunSpec.
    """
    for name, (kinds, meaning) in _KINDS.items():
        value = arguments.get(name)
        lone = name in _LISTS and isinstance(value, (str, bytes, Mapping))
        if name in arguments and (lone or not isinstance(value, kinds)):
            raise UserError(f"{name} is {_shown(value)}, but must be {meaning}")
    for name in ("callbacks", "trackers"):
        for each in arguments.get(name, ()):
            if not callable(each):
                raise UserError(f"{name} hold {_shown(each)}, but each must be a function")
    measure = arguments.get("measure")
    for name, function in measure.items() if isinstance(measure, Mapping) else ():
        if not callable(function):
            raise UserError(f"measure[{name!r}] is {_shown(function)}, but must be a function of a configuration")
    whole("workers", arguments.get("workers", 0), 0)
    whole("lanes", arguments.get("lanes", 1), 1)
    for name in ("max_time", "trial_timeout"):
        if isinstance(arguments.get(name), bool):
            raise UserError(f"{name} is {arguments[name]}, but must be a time in seconds, or such as 90s, 5m, 2h")
    if arguments.get("verbose") is not None:
        truth("verbose", arguments["verbose"])


def whole(name: str, value: object, least: int | None = None) -> int:
    """Return the whole number that `value` is: 50, 2e3, NumPy's. Raises UserError for others and below `least`."""
    number = value.item() if isinstance(value, np.generic) else value
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise UserError(f"{_spoken(name)} is {_shown(value)}, but must be a whole number")
    if least is not None and number < least:
        raise UserError(f"{_spoken(name)} is {number}, but must be at least {least}")
    return number


def share(name: str, value: object) -> float:
    """Return the number between 0 and 1 that `value` is. Raises UserError otherwise."""
    number = value.item() if isinstance(value, np.generic) else value
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number <= 1 or math.isnan(number):
        raise UserError(f"{_spoken(name)} is {_shown(value)}, but must lie between 0 and 1")
    return number


def truth(name: str, value: object) -> bool:
    """Return `value`, True or False. Raises UserError otherwise."""
    if not isinstance(value, (bool, np.bool_)):
        raise UserError(f"{_spoken(name)} is {_shown(value)}, but must be True or False")
    return bool(value)


def one_of(name: str, value: object, known: Sequence[str]) -> None:
    """Raise UserError where `value` is none of `known`."""
    if not isinstance(value, str) or value not in known:
        raise UserError(f"{_spoken(name)} is {value!r}, but must be one of {', '.join(known)}")


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."

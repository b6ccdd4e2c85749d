"""Is an argument of the kind that it must be? Told in one line, before anything is trained."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas.core.errors import UserError
from nas.core.numbers import shown, truth, whole

_KINDS: dict[str, tuple[Any, str]] = {
    "space": ((ConfigurationSpace,), 'a ConfigurationSpace, such as ConfigurationSpace({"width": (8, 512)})'),
    "measure": ((Callable, Mapping, type(None)), "a function of a configuration, or a dict of them"),
    "gpus": ((Sequence,), 'a list of GPUs, such as ["0", "1"]'),
    "cluster": ((str, type(None)), "the address of a Dask scheduler, or local:N"),
    "cluster_resources": ((Mapping, type(None)), 'a dict such as {"GPU": 1}'),
    "history": ((str, Path, type(None)), "the path of a file, as nas history add makes it"),
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
            raise UserError(f"{name} is {shown(value)}, but must be {meaning}")
    for name in ("callbacks", "trackers"):
        for each in arguments.get(name, ()):
            if not callable(each):
                raise UserError(f"{name} hold {shown(each)}, but each must be a function")
    measure = arguments.get("measure")
    for name, function in measure.items() if isinstance(measure, Mapping) else ():
        if not callable(function):
            raise UserError(f"measure[{name!r}] is {shown(function)}, but must be a function of a configuration")
    whole("workers", arguments.get("workers", 0), 0)
    whole("lanes", arguments.get("lanes", 1), 1)
    for name in ("max_time", "trial_timeout"):
        if isinstance(arguments.get(name), bool):
            raise UserError(f"{name} is {arguments[name]}, but must be a time in seconds, or such as 90s, 5m, 2h")
    if arguments.get("verbose") is not None:
        truth("verbose", arguments["verbose"])

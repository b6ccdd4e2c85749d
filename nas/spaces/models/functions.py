"""Which network does a function of the user's make? `FILE.py:function`, called with num_classes."""

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from nas.core.described import digest
from nas.core.errors import UserError
from nas.core.imported import digest_of, imported
from nas.core.words import unknown
from nas.spaces.known import Shape
from nas.spaces.models.model import Model


def of(file: Path, called: str) -> Model:
    """Return the network. Raises UserError where the file has no such function, or it asks for other arguments."""
    module, name = imported(file, "the model's file"), f"{file}:{called}"
    function = getattr(module, called, None)
    if not callable(function):
        own = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
        raise UserError(f"{file}: {unknown('function', called, own)}" if own else f"{file} has no function")
    arguments = _asked(function, name)
    return Model(name, partial(_made, function, arguments, name), digest({called: digest_of(module)}))


def _asked(function: Callable[..., Any], name: str) -> tuple[str, ...]:
    """Return which arguments the function is given."""
    signature = inspect.signature(function)
    arguments = ("num_classes", *(["input_shape"] if "input_shape" in signature.parameters else []))
    try:
        signature.bind(**dict.fromkeys(arguments))
    except TypeError as error:
        raise UserError(f"{name} must take num_classes, may take input_shape, and needs no more: {error}") from None
    return arguments


def _made(function: Callable[..., Any], arguments: tuple[str, ...], name: str, shape: Shape, classes: int) -> nn.Module:
    values = {"num_classes": classes, "input_shape": shape}
    network = function(**{each: values[each] for each in arguments})
    if not isinstance(network, nn.Module):
        raise UserError(f"{name} returned {type(network).__name__}, but must return a torch.nn.Module")
    return network

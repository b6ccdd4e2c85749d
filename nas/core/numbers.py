"""Is a value the number that it must be? Told in one line, before anything is trained."""

import math
from collections.abc import Sequence
from typing import Any

from nas.core.errors import UserError


def whole(name: str, value: object, least: int | None = None) -> int:
    """Return the whole number that `value` is: 50, 2e3, NumPy's. Raises UserError for others and below `least`."""
    found = python_scalar(value)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int):
        raise UserError(f"{spoken(name)} is {shown(value)}, but must be a whole number")
    if least is not None and found < least:
        raise UserError(f"{spoken(name)} is {found}, but must be at least {least}")
    return found


def number(name: str, value: object) -> float:
    """Return the number that `value` is, which may be infinite. Raises UserError for others and for NaN."""
    found = python_scalar(value)
    if isinstance(found, bool) or not isinstance(found, (int, float)) or math.isnan(found):
        raise UserError(f"{spoken(name)} is {shown(value)}, but must be a number")
    return found


def share(name: str, value: object) -> float:
    """Return the number between 0 and 1 that `value` is. Raises UserError otherwise."""
    found = python_scalar(value)
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found <= 1 or math.isnan(found):
        raise UserError(f"{spoken(name)} is {shown(value)}, but must lie between 0 and 1")
    return found


def truth(name: str, value: object) -> bool:
    """Return `value`, True or False. Raises UserError otherwise."""
    found = python_scalar(value)
    if not isinstance(found, bool):
        raise UserError(f"{spoken(name)} is {shown(value)}, but must be True or False")
    return found


def one_of(name: str, value: object, known: Sequence[str]) -> None:
    """Raise UserError where `value` is none of `known`."""
    if not isinstance(value, str) or value not in known:
        raise UserError(f"{spoken(name)} is {value!r}, but must be one of {', '.join(known)}")


def python_scalar(value: Any) -> object:
    """Return a scalar of NumPy or torch as Python's own, and any other value as it is; neither is imported for it."""
    scalar = hasattr(value, "dtype") and getattr(value, "shape", None) == ()
    item: object = value.item() if scalar else value
    return item


def spoken(name: str) -> str:
    """Return the name of an argument in words."""
    return name.replace("_", " ")


def shown(value: object) -> str:
    """Return what `value` looks like, in at most 60 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."

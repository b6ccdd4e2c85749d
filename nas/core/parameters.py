"""What is said of a parameter, and which values may it have? Kept in the field of the part's dataclass."""

import operator
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from nas.core.errors import UserError
from nas.core.numbers import number, shown, spoken, truth, whole
from nas.core.words import unknown

_CHECK = "check"


@dataclass(frozen=True)
class Check:
    """What is said of a parameter, and which values it may have."""

    help: str
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    part: str = ""  # the kind of part that the value is
    flag: str = ""  # of the command line, where it is not called as the parameter

    def of(self, name: str, value: Any, annotation: Any) -> Any:
        """Return `value` as the annotation says. Raises UserError for one that it may not be."""
        checked = _typed(name, value, annotation)
        for each in checked if isinstance(checked, tuple) else (checked,):
            if isinstance(each, (int, float)) and not isinstance(each, bool):
                self._within(name, each)
        if self.choices and checked is not None and checked not in self.choices:
            raise UserError(unknown(spoken(name), str(checked), self.choices))
        return checked

    def _within(self, name: str, value: float) -> None:
        bounds: tuple[tuple[float | None, str, Callable[[float, float], bool]], ...] = (
            (self.least, "at least", operator.ge), (self.most, "at most", operator.le),
            (self.above, "above", operator.gt), (self.below, "below", operator.lt),
        )  # fmt: skip
        for bound, relation, met in bounds:
            if bound is not None and not met(value, bound):
                raise UserError(f"{spoken(name)} is {value:g}, but must be {relation} {bound:g}")


def parameter(default: Any, help: str, **bounds: Any) -> Any:
    """Return the field of a parameter: its default, one line of help, and the bounds that `Check` knows."""
    return field(default=default, metadata={_CHECK: Check(help, **bounds)})


def check_of(each: "Field[Any]") -> Check:
    """Return what is said of the parameter in this field."""
    found = each.metadata.get(_CHECK, Check(""))
    assert isinstance(found, Check)
    return found


def required(each: "Field[Any]") -> bool:
    """Return whether the parameter has no default."""
    return each.default is MISSING and each.default_factory is MISSING


def _typed(name: str, value: Any, annotation: Any) -> Any:
    """Return `value` as one of the annotated kind. Raises UserError where it is none."""
    if get_origin(annotation) in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
        if value is None and NoneType in get_args(annotation):
            return None
        return _typed(name, value, kinds[0]) if len(kinds) == 1 else value
    if get_origin(annotation) is tuple:
        kind, *rest = get_args(annotation)
        if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
            raise UserError(f"{spoken(name)} is {shown(value)}, but must be a list")
        values = tuple(_typed(name, each, kind) for each in value)
        if rest != [...] and len(values) != 1 + len(rest):
            raise UserError(f"{spoken(name)} is {shown(value)}, but must be a list of {1 + len(rest)}")
        return values
    checks: dict[Any, Callable[[str, object], Any]] = {int: whole, float: number, bool: truth, str: _text}
    return checks[annotation](name, value) if annotation in checks else value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise UserError(f"{spoken(name)} is {shown(value)}, but must be a text")
    return value

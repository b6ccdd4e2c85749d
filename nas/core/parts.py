"""Which parts are there of each kind, and what are their parameters?

A part is one file with one frozen dataclass of its own parameters, registered under its name:

    @part("policy", "exponential")
    @dataclass(frozen=True)
    class Exponential(Part):
        '''The rate shrinks by a factor every epoch.'''

        gamma: float = parameter(0.95, "the factor", above=0, most=1)

It is found because it lies in the package of its kind. Flags, spec.json, checks, errors and the reference derive from
it.
"""

import importlib
import operator
import pkgutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, TypeVar, Union, get_args, get_origin, get_type_hints

from nas.core.errors import UserError
from nas.core.imported import digest_of, imported
from nas.core.numbers import number, shown, spoken, truth, whole
from nas.core.words import unknown

PACKAGES = {
    "strategy": "nas.strategies",
    "scheduler": "nas.strategies.schedulers",
    "model": "nas.strategies.models",
    "optimizer": "nas.training.optimizers",
    "policy": "nas.training.policies",
    "augmentation": "nas.training.augmentations",
    "metric": "nas.training.metrics",
    "data": "nas.data.sources",
}
_CHECK = "check"
_OURS = Path(__file__).parents[1]


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
        if self.part:
            return made(self.part, value)
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


@dataclass(frozen=True)
class Part:
    """The parameters of a part. Raises UserError for a value that one may not have."""

    kind: ClassVar[str] = ""
    name: ClassVar[str] = ""
    hidden: ClassVar[bool] = False  # from lists of what there is to choose from

    def __post_init__(self) -> None:
        annotations = get_type_hints(type(self))
        for each in fields(self):
            value = check_of(each).of(each.name, getattr(self, each.name), annotations[each.name])
            object.__setattr__(self, each.name, value)

    def short(self) -> Any:
        """Return its name, or a mapping with the parameters that are not as they are by default."""
        default, values = type(self)().described(), self.described()
        own = {name: value for name, value in values.items() if default[name] != value}
        return {"name": self.name, **own} if own else self.name

    def parameters(self) -> dict[str, Any]:
        """Return the parameters by name, of parts among them only what is not as by default."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value.short() if isinstance(value, Part) else value for name, value in values.items()}

    def described(self) -> dict[str, Any]:
        """Return the JSON form: the name with the parameters, and of a part of the user's the digest of its file."""
        values = {each.name: _described(getattr(self, each.name)) for each in fields(self)}
        return {"name": self.name, **values, **self._digest()}

    def _digest(self) -> dict[str, str]:
        module = sys.modules.get(type(self).__module__)
        file = getattr(module, "__file__", None)
        ours = not module or not file or Path(file).is_relative_to(_OURS)
        return {} if ours or not module else {"digest": digest_of(module)}


AnyPart = TypeVar("AnyPart", bound=type[Part])
_registered: dict[str, dict[str, type[Part]]] = {kind: {} for kind in PACKAGES}


def part(kind: str, name: str) -> Callable[[AnyPart], AnyPart]:
    """Return what registers a class as the part of this kind and name."""

    def register(cls: AnyPart) -> AnyPart:
        known = _registered[kind].setdefault(name, cls)
        if known.__module__ != cls.__module__:
            raise TypeError(f"there are two parts {kind} {name}: in {known.__module__} and in {cls.__module__}")
        cls.kind, cls.name = kind, name
        return cls

    return register


def of_kind(kind: str) -> Mapping[str, type[Part]]:
    """Return the parts of this kind by their names, in the order of these: ours, and what the user has registered."""
    _import_all(kind)
    return dict(sorted(_registered[kind].items()))


@cache
def _import_all(kind: str) -> None:
    package = importlib.import_module(PACKAGES[kind])
    for module in pkgutil.iter_modules(package.__path__):
        if not module.ispkg:
            importlib.import_module(f"{package.__name__}.{module.name}")


def names(kind: str) -> tuple[str, ...]:
    """Return the names of the parts of this kind that there are to choose from."""
    return tuple(name for name, cls in of_kind(kind).items() if not cls.hidden)


def get(kind: str, name: str) -> type[Part]:
    """Return the part of this kind and name, or that in a file: "FILE.py:CLASS". Raises UserError where there is none.

    A package names in `late` those of its parts that are made when they are asked for: they cost an import.
    """
    if ".py:" in name:
        return _in_file(kind, name)
    known = of_kind(kind)
    if name in known:
        return known[name]
    costly = late(kind)
    if name not in costly:
        raise UserError(unknown(kind, name, (*names(kind), *costly)))
    return costly[name]()


def _in_file(kind: str, given: str) -> type[Part]:
    path, _, name = given.rpartition(":")
    found = getattr(imported(Path(path), f"the {kind} {given}: the file"), name, None)
    if not isinstance(found, type) or not issubclass(found, Part) or found.kind != kind:
        raise UserError(f'the {kind} {given}: {path} has no class {name} that @part("{kind}", ...) stands above')
    return found


def late(kind: str) -> Mapping[str, Callable[[], type[Part]]]:
    """Return by name what makes the parts that cost an import."""
    found: Mapping[str, Callable[[], type[Part]]] = getattr(importlib.import_module(PACKAGES[kind]), "late", {})
    return found


def made(kind: str, given: object) -> Any:
    """Return the part that `given` names: a name, a mapping of "name" and parameters, or a part already.

    Raises UserError for an unknown name or parameter, and for a value that a parameter may not have.
    """
    if isinstance(given, Part) and given.kind == kind:
        return given
    named = {"name": given} if isinstance(given, str) else given
    if not isinstance(named, Mapping) or not isinstance(named.get("name"), str):
        raise UserError(f'{kind} is {shown(given)}, but must be a name, or such as {{"name": NAME, PARAMETER: value}}')
    cls = get(kind, named["name"])
    values = {name: value for name, value in named.items() if name not in ("name", "digest")}
    known = [each.name for each in fields(cls)]
    for name in values:
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise UserError(f"the {kind} {cls.name} has no parameter {name!r}: {has}")
    missing = [each.name for each in fields(cls) if required(each) and each.name not in values]
    if missing:
        raise UserError(f"the {kind} {cls.name} needs {' and '.join(missing)}: give a value")
    try:
        return cls(**values)
    except UserError as error:
        raise UserError(f"the {kind} {cls.name}: {error}") from None


def summary(cls: type[Part]) -> str:
    """Return the line that says what the part is."""
    return (cls.__doc__ or "").partition("\n")[0]


def check_of(each: "Field[Any]") -> Check:
    """Return what is said of the parameter in this field."""
    found = each.metadata.get(_CHECK, Check(""))
    assert isinstance(found, Check)
    return found


def required(each: "Field[Any]") -> bool:
    """Return whether the parameter has no default."""
    return each.default is MISSING and each.default_factory is MISSING


def _described(value: Any) -> Any:
    if isinstance(value, Part):
        return value.described()
    return [_described(each) for each in value] if isinstance(value, tuple) else value


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

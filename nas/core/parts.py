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
import json
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_type_hints

from nas.core.errors import UserError
from nas.core.imported import digest_of, imported
from nas.core.numbers import shown
from nas.core.parameters import check_of, required
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
BY_NAME = ("strategy", "scheduler")  # kinds whose parameters are flags and arguments of their own
_OURS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Part:
    """The parameters of a part. Raises UserError for a value that one may not have."""

    kind: ClassVar[str] = ""
    name: ClassVar[str] = ""
    hidden: ClassVar[bool] = False  # from lists of what there is to choose from

    def __post_init__(self) -> None:
        annotations = get_type_hints(type(self))
        for each in fields(self):
            check, value = check_of(each), getattr(self, each.name)
            checked = made(check.part, value) if check.part else check.of(each.name, value, annotations[each.name])
            object.__setattr__(self, each.name, checked)

    def short(self) -> Any:
        """Return its name, or a mapping with the parameters that are not as they are by default."""
        own = {
            each.name: value
            for each, value in zip(fields(self), self.parameters().values(), strict=True)
            if required(each) or value != each.default
        }
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
    """Return the names of the parts of this kind to choose from, the same whatever `late` ones were made by now."""
    return tuple(name for name, cls in of_kind(kind).items() if not cls.hidden and name not in late(kind))


def parameters_by_name() -> dict[str, list[tuple[type[Part], "Field[Any]"]]]:
    """Return the parameters of BY_NAME, each with the parts that have it."""
    found = dict[str, list[tuple[type[Part], "Field[Any]"]]]()
    for kind in BY_NAME:
        for name in names(kind):
            cls = get(kind, name)
            for each in fields(cls):
                found.setdefault(each.name, []).append((cls, each))
    return found


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
    """Return the part that `given` names: as text, as a mapping of "name" and parameters, or a part already.

    Raises UserError for an unknown name or parameter, and for a value that a parameter may not have.
    """
    if isinstance(given, Part) and given.kind == kind:
        return given
    named = parted(given) if isinstance(given, str) else given
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


def parted(text: str) -> dict[str, Any]:
    """Return "NAME" or "NAME:parameter=value,..." as a mapping, and the place of the user's own, "FILE.py:CLASS".

    Raises UserError for anything else.
    """
    if ".py:" in text:
        return {"name": text}
    name, colon, given = text.partition(":")
    return {"name": name, **dict(_pairs(given, text))} if colon else {"name": name}


def _pairs(given: str, text: str) -> Iterator[tuple[str, Any]]:
    for pair in given.split(","):
        name, equals, written = pair.partition("=")
        if not equals:
            raise UserError(f"{text!r}: write NAME:parameter=value,parameter=value")
        yield name.strip(), _value(written.strip())


def _value(written: str) -> Any:
    try:
        return json.loads(written)
    except ValueError:
        return written


def summary(cls: type[Part]) -> str:
    """Return the line that says what the part is."""
    return (cls.__doc__ or "").partition("\n")[0]


def _described(value: Any) -> Any:
    if isinstance(value, Part):
        return value.described()
    return [_described(each) for each in value] if isinstance(value, tuple) else value

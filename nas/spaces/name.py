"""How is a space or a known network written? `NAME:parameter=value,...`, read without looking for it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nas.core.errors import UserError

TORCHVISION, TIMM, FUNCTION, SPACE = "torchvision", "timm", "function", "space"
DOWNLOAD = "download"
_PREFIXES = {TIMM: "timm/", SPACE: "model/"}
_OF_A_FUNCTION = re.compile(r"(?P<file>.+?\.py):(?P<function>[^\W\d]\w*)(?::(?P<given>.*))?")
_OF_A_FILE = re.compile(r"(?P<file>.+?\.py)(?::(?P<given>.*))?")
_BETWEEN = re.compile(r",(?=\s*[^\W\d]\w*\s*=)")  # parameters; a path may hold commas


@dataclass(frozen=True)
class Name:
    """Where a network comes from, what it is called there, and the parameters that were given."""

    source: str
    called: str  # a name of the source, or the path of a file
    function: str = ""  # in that file
    given: tuple[tuple[str, Any], ...] = ()  # in the order of names

    def __str__(self) -> str:
        place = f"{_PREFIXES.get(self.source, '')}{self.called}" + (f":{self.function}" if self.function else "")
        given = ",".join(f"{name}={_written(value)}" for name, value in self.given)
        return f"{place}:{given}" if given else place

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name."""
        return dict(self.given)

    @property
    def file(self) -> Path | None:
        """The file that it lies in, where it is the user's own."""
        return Path(self.called) if self.called.endswith(".py") else None

    def of(self, given: Mapping[str, Any]) -> "Name":
        """Return the same with these parameters: those that are None are left out."""
        kept = {name: value for name, value in given.items() if value is not None}
        return replace(self, given=tuple(sorted(kept.items())))

    def absolute(self) -> "Name":
        """Return the same with paths that are right anywhere."""
        given, called = self.parameters, self.called
        if isinstance(given.get("pretrained"), str) and given["pretrained"] != DOWNLOAD:
            given["pretrained"] = str(Path(given["pretrained"]).absolute())
        if self.file:
            called = str(self.file.absolute())
        return replace(self.of(given), called=called)


def is_file_of_space(text: str) -> bool:
    """Return whether `text` is the path of a space and not its name, nor that of a model."""
    return text.endswith(".py") and (not text.startswith(_PREFIXES[SPACE]) or Path(text).is_file())


def is_of_file_of_space(text: str) -> bool:
    """Return whether `text` is the path of a space, or that with values: `FILE.py:blocks=1`, no function of a file."""
    of_function = text.startswith(_PREFIXES[SPACE]) or _OF_A_FUNCTION.fullmatch(text)
    return is_file_of_space(text) or (_OF_A_FILE.fullmatch(text) is not None and not of_function)


def parse(text: str) -> Name:
    """Return what `text` names, which is no file of a space. Raises UserError for parameters that cannot be read."""
    if text.startswith(_PREFIXES[SPACE]):
        return space_as_model(text.removeprefix(_PREFIXES[SPACE]))
    if found := _OF_A_FUNCTION.fullmatch(text):
        return Name(FUNCTION, found["file"], found["function"]).of(_pairs(found["given"], text))
    if _OF_A_FILE.fullmatch(text):
        raise UserError(
            f"{text!r}: for the network of a space write {_PREFIXES[SPACE]}{text}; for a function, its name"
        )
    source = TIMM if text.startswith(_PREFIXES[TIMM]) else TORCHVISION
    return _named(source, text.removeprefix(_PREFIXES.get(source, "")))


def space_as_model(text: str) -> Name:
    """Return the network of a space's default configuration, with those values in it that `text` gives."""
    if found := _OF_A_FILE.fullmatch(text):
        return Name(SPACE, found["file"]).of(_pairs(found["given"], text))
    return _named(SPACE, text)


def canonical(text: str) -> str:
    """Return the same space or model by paths that are right anywhere: a run may go on from any folder."""
    return str(Path(text).absolute()) if is_file_of_space(text) else str(parse(text).absolute())


def file_of(text: str) -> Path | None:
    """Return the file that the space or model lies in, where it is the user's own."""
    return Path(text) if is_file_of_space(text) else parse(text).file


def untrained(text: str) -> str:
    """Return the same space or model without pretrained weights, for weights of one's own."""
    if is_file_of_space(text):
        return text
    name = parse(text)
    return str(name.of({**name.parameters, "pretrained": None}))


def _named(source: str, text: str) -> Name:
    called, colon, given = text.partition(":")
    return Name(source, called).of(_pairs(given if colon else None, text))


def _pairs(given: str | None, text: str) -> dict[str, Any]:
    found = dict[str, Any]()
    for name, value in _each(given, text) if given is not None else ():
        if name in found:
            raise UserError(f"{text!r}: {name} is given twice")
        found[name] = value
    return found


def _each(given: str, text: str) -> Iterator[tuple[str, Any]]:
    for pair in _BETWEEN.split(given):
        name, equals, value = pair.partition("=")
        if not equals or not value.strip() or not name.strip().isidentifier():
            raise UserError(f"{text!r}: write NAME:parameter=value,parameter=value")
        yield name.strip(), _read(value.strip())


def _read(written: str) -> Any:
    try:
        return json.loads(written)
    except ValueError:
        return written


def _written(value: Any) -> str:
    plain = isinstance(value, str) and _read(value) == value and value == value.strip()
    return str(value) if plain else json.dumps(value)

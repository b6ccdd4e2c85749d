"""With what was a run begun? command.json keeps it, in words for people and as values by which `nas resume` goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas.core.errors import UserError
from nas.core.plain import readable
from nas.runs.disk import write_atomically
from nas.runs.folder import read_json, write_first

FILE = "command.json"
_PLACES = ("data", "space")  # which may have moved since


@dataclass(frozen=True)
class Command:
    """The `words` of a command line, all defaults filled in, and the same as values; runs of before have no values."""

    words: Sequence[str] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)

    def written(self) -> str:
        """Return what the file holds."""
        return readable({"search": list(self.words), **({"asked": dict(self.asked)} if self.asked else {})})

    def moved(self, now: "Command") -> "Command":
        """Return it with the places of data and space as they are `now`."""
        places = {name: f"--{name}={now.asked[name]}" for name in _PLACES if name in now.asked}
        words = [places.get(word.partition("=")[0].removeprefix("--"), word) for word in self.words]
        asked = {**self.asked, **{name: now.asked[name] for name in places}} if self.asked else {}
        return Command(words, asked)


def remember(directory: Path, command: Command) -> None:
    """Write command.json. Where it is there only what has moved is written: the places of data and space."""
    write_first(directory / FILE, command.written())
    before = remembered(directory)
    if before.moved(command) != before:
        write_atomically(directory / FILE, before.moved(command).written())


def replaced(directory: Path, command: Command) -> None:
    """Write command.json anew, for a run that goes on under other limits."""
    write_atomically(directory / FILE, command.written())


def remembered(directory: Path) -> Command:
    """Return what the run was begun with. Raises UserError where that is not there."""
    file = directory / FILE
    content = read_json(file)
    words, asked = content.get("search"), content.get("asked", {})
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words) or not isinstance(asked, dict):
        raise UserError(f'{file} is not what a run writes: it lacks the words of "search"')
    return Command(words, asked)

"""Which search space is meant? One of `search_spaces/` by name, the user's own file by path, or how a model trains."""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ConfigSpace import ConfigurationSpace

import search_spaces
from nas.core.configuration import checked_config
from nas.core.described import described, digest
from nas.core.errors import UserError
from nas.core.imported import digest_of, imported
from nas.core.types import Config
from nas.core.words import one_line
from nas.spaces.name import is_file_of_space

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[int, int, int]  # channels, height, width
# Of a configuration, the shape of an image and the number of classes.
Build = Callable[[dict[str, Any], Shape, int], "nn.Module"]
Source = str | Callable[[Mapping[str, Any]], Any]  # of a setting: a hyperparameter, or a function of the configuration
_NEEDED = {
    "space": "space() returns the ConfigurationSpace",
    "build": "build(config, input_shape, num_classes) returns the network",
    "DEFAULT": "DEFAULT is a configuration in the space",
}


@dataclass(frozen=True)
class Space:
    """A search space and what is made of its configurations."""

    name: str  # as given: a name or a path
    space: ConfigurationSpace
    build: Build
    default: Mapping[str, Any]
    trainer: Mapping[str, Source] = field(default_factory=dict)  # which settings of the trainer are searched
    recipe: Mapping[str, Any] = field(default_factory=dict)  # and which are fixed, other than by default
    source: str = ""  # digest of the file: networks depend on more than the hyperparameters

    @property
    def digest(self) -> str:
        """Hash of the hyperparameters, conditions and forbidden clauses: 16 hexadecimal digits."""
        return digest(described(self.space))

    def config(self, values: Mapping[str, Any], source: str) -> Config:
        """Return the configuration of `values`, read from `source`. Raises UserError where it is not of this space."""
        return checked_config(self.space, values, source)


def names() -> list[str]:
    """Return the names of the spaces that come with the project."""
    return sorted(module.name for module in pkgutil.iter_modules(search_spaces.__path__))


def load(name: str) -> Space:
    """Return the space called `name`, that in the Python file at `name`, or that of the model which it names.

    Raises UserError where there is none, or it lacks a part.
    """
    if name in names():
        return _space(name, importlib.import_module(f"search_spaces.{name}"))
    if is_file_of_space(name):
        return _space(name, imported(Path(name), "the space file"))
    from nas.spaces.models.space import space_of  # here: a model may be made of a space, and costs more to import

    return space_of(name)


def _space(name: str, module: ModuleType) -> Space:
    """Return the space that the module describes."""
    for part, meaning in _NEEDED.items():
        if not hasattr(module, part):
            raise UserError(f"the space {name} lacks {part!r}: {meaning}")
    try:
        space = module.space()
    except Exception as error:
        raise UserError(f"the space {name}: space() failed: {type(error).__name__}: {error}") from None
    if not isinstance(space, ConfigurationSpace):
        raise UserError(f"the space {name}: space() returned {type(space).__name__}, not a ConfigurationSpace")
    trainer, recipe = getattr(module, "TRAINER", {}), getattr(module, "RECIPE", {})
    loaded = Space(name, space, module.build, module.DEFAULT, trainer, recipe, digest_of(module))
    loaded.config(loaded.default, f"DEFAULT of {name}")
    for setting, hyperparameter in trainer.items():
        if not callable(hyperparameter) and hyperparameter not in space:
            raise UserError(f"TRAINER of {name}: {setting} names {hyperparameter!r}, no hyperparameter of the space")
    return loaded


def load_for(values: Mapping[str, Any], name: str, digest: str, source: str | None, file: Path) -> tuple[Space, Config]:
    """Return the space called `name` and the configuration of `values` in it, which `file` holds.

    Raises UserError where the hyperparameters are not those of that time, of which `digest` is the hash. Where only
    the file is another than `source` says, where that is known, a note tells it: the networks may differ.
    """
    space = load(name)
    config = space.config(values, str(file))
    if space.digest != digest:
        raise UserError(f"{file} was saved with another version of space {name}: give --space FILE.py")
    if source and space.source != source:
        print(one_line(f"note: {name} has changed since {file} was saved"), file=sys.stderr)
    return space, config

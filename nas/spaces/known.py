"""What is a search space, and which are there? One of `search_spaces/` by name, or the user's own file by path."""

import importlib
import pkgutil
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
    one_network: bool = False  # that of every configuration

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


def is_known(name: str) -> bool:
    """Return whether it is the name of a space, or the path of one's file."""
    return name in names() or is_file_of_space(name)


def load_known(name: str) -> Space:
    """Return the space called `name`, or that in the Python file at `name`. Raises UserError where it lacks a part."""
    if is_file_of_space(name):
        return _space(name, imported(Path(name), "the space file"))
    return _space(name, importlib.import_module(f"search_spaces.{name}"))


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

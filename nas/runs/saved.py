"""What does a saved configuration hold? All that it takes to train it again: one JSON file, such as best.json."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from nas.core.errors import UserError
from nas.core.plain import readable
from nas.runs.disk import write_atomically

FORMAT = "nas-configuration-1"
_PACKAGES = ("torch", "torchvision", "ConfigSpace", "deap", "numpy", "thop", "scikit-learn")


@dataclass(frozen=True)
class Saved:
    """A configuration with where it comes from.

    `recipe` holds the trainer's settings that the configuration does not; `evidence` what is known: metrics,
    constraints, trial.
    """

    config: Mapping[str, Any]
    space: str
    space_digest: str
    data: str
    image_size: int | None
    epochs: int
    seed: int
    folds: int = 1
    recipe: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the file, replacing an old one whole."""
        content = {"format": FORMAT, **self.__dict__, "versions": versions()}
        write_atomically(path, readable(content))


def read(path: Path) -> Saved:
    """Return the configuration saved at `path`. Raises UserError where the file is missing, cut or something else."""
    if path.is_dir():
        raise UserError(f"{path} is a folder: give a file, such as {path / 'best.json'}")
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is a pipe or device: give a file, such as a best.json")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"{path} is not whole JSON ({error}): was it cut? Give a best.json of a run") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(f'{path} is not a saved configuration: it lacks "format": "{FORMAT}", as in a run\'s best.json')
    kinds: dict[str, Any] = {
        "config": dict,
        "space": str,
        "space_digest": str,
        "data": str,
        "image_size": (int, type(None)),
        "epochs": int,
        "seed": int,
        "folds": int,
        "recipe": dict,
    }
    for name, kind in kinds.items():
        if name not in content or not isinstance(content[name], kind):
            raise UserError(f"{path}: {name!r} is missing or of the wrong kind")
    return Saved(**{name: content[name] for name in kinds}, evidence=content.get("evidence", {}))


def versions(extras: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of what results depend on, and of those `extras` that only some do."""
    return {name: metadata.version(name) for name in (*_PACKAGES, *extras)}

"""With which weights does a network begin? Those of a safetensors file, or downloaded where that is asked for."""

import multiprocessing
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import file_digest
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError
from torch import Tensor, nn

from nas.core.errors import UserError
from nas.core.words import one_line, quoted
from nas.runs.tensors import opened
from nas.spaces.models.model import Model
from nas.spaces.name import DOWNLOAD

Shape = tuple[int, ...]
Each = TypeVar("Each")
_PICKLES = (".pth", ".pt", ".bin", ".ckpt", ".pkl", ".tar")
_OURS = "network."  # how names begin in the networks that are kept here, after they were adapted
_COUNTER = "num_batches_tracked"  # which older files lack
_SHOWN = 3  # tensors by name


@dataclass(frozen=True)
class Pretrained:
    """Weights in a file, whose tensors have these shapes, or to be downloaded."""

    path: Path | None
    digest: str
    shapes: tuple[tuple[str, Shape], ...] = ()

    def check(self, model: Model, network: nn.Module, head: frozenset[str], classes: int) -> None:
        """Raise UserError where the tensors of the file are not those of the network; nothing is read or downloaded."""
        if self.path:
            self._fitting(dict(self.shapes), model, network, head, classes)

    def load(self, model: Model, network: nn.Module, head: frozenset[str], classes: int) -> None:
        """Give the network its weights. `head` names the tensors that depend on the number of classes: new if unlike.

        Raises UserError where the weights are not of the network, or cannot be had.
        """
        found = _read(self.path) if self.path else _downloaded(model)
        shapes = {name: tuple(value.shape) for name, value in found.items()}
        names = self._fitting(shapes, model, network, head, classes)
        state = _renamed(found, model)
        network.load_state_dict({name: state[name] for name in names}, strict=False)

    def _fitting(
        self, shapes: Mapping[str, Shape], model: Model, network: nn.Module, head: frozenset[str], classes: int
    ) -> list[str]:
        """Return the names of the tensors that the network takes, all but a head for other classes, which is told."""
        told = str(self.path or f"what was downloaded for {model.name}")
        own, given = {name: tuple(value.shape) for name, value in network.state_dict().items()}, _renamed(shapes, model)
        new = [name for name in own if name in head and given.get(name) != own[name]]
        needed = [name for name in own if name not in new and not name.endswith(_COUNTER)]
        wrong = [
            *_counted("missing", [name for name in needed if name not in given]),
            *_counted("not of it", [name for name in given if name not in own]),
            *_counted("of another shape", [
                f"{name} is {list(given[name])}, not {list(own[name])}"
                for name in needed if name in given and given[name] != own[name]
            ]),
        ]  # fmt: skip
        if wrong:
            raise UserError(f"{told} does not fit {model.name}: of its tensors {'; '.join(wrong)}")
        if new:
            before = f"of {given[new[0]][0]} classes" if new[0] in given else "missing"
            _tell(f"note: the last layer in {told} is {before}: that of {classes} classes is drawn anew")
        return [name for name in own if name in given and name not in new]


def pretrained(given: object, model: Model) -> Pretrained:
    """Return the weights that `given` names. Raises UserError where there are none, or they may not be read."""
    if given == DOWNLOAD:
        if not model.download:
            raise UserError(f"{model.name} has no weights to download: give pretrained=FILE.safetensors")
        return Pretrained(None, DOWNLOAD)
    if not isinstance(given, str):
        raise UserError(f"pretrained is {given}, but must be a .safetensors file, or {DOWNLOAD}")
    path = Path(given)
    if path.suffix.lower() in _PICKLES:
        raise UserError(f"{path} may hold code, and is not read: {_conversion(path)}")
    if not path.is_file():
        raise UserError(f"the pretrained weights {path} do not exist: give a .safetensors file, or {DOWNLOAD}")
    stat = path.stat()
    return _of_file(path, stat.st_size, stat.st_mtime_ns)


@cache
def _of_file(path: Path, size: int, time: int) -> Pretrained:
    """Return what the header of the file says, with the digest of all of it; once as long as it does not change."""
    try:
        with opened(path) as file:
            shapes = tuple((name, tuple(file.get_slice(name).get_shape())) for name in sorted(file.keys()))
        with path.open("rb") as whole:
            return Pretrained(path, file_digest(whole, "blake2b").hexdigest()[:16], shapes)
    except (OSError, SafetensorError, ValueError) as error:
        raise _damaged(path, error) from None


def _read(path: Path) -> dict[str, Tensor]:
    try:
        with opened(path) as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError, ValueError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(one_line(f"{path} is no whole safetensors file ({error}): was it cut, or is it something else?"))


@cache
def _downloaded(model: Model) -> dict[str, Tensor]:
    assert model.download
    try:
        return dict(model.download())
    except Exception as error:  # whatever the libraries that fetch it raise
        told = f"{type(error).__name__}: {one_line(' '.join(str(error).split()))}"
        raise UserError(
            f"the weights of {model.name} cannot be downloaded ({told}): give pretrained=FILE.safetensors"
        ) from None


def _renamed(tensors: Mapping[str, Each], model: Model) -> dict[str, Each]:
    """Return them by the names that the network has for them, without auxiliary ones."""
    ours = bool(tensors) and all(name.startswith(_OURS) for name in tensors)
    named = {name.removeprefix(_OURS) if ours else name: each for name, each in tensors.items()}
    return {name: each for name, each in named.items() if not name.startswith(model.auxiliary)}


def _counted(what: str, names: list[str]) -> list[str]:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return [f"{len(names)} {what} ({', '.join(names[:_SHOWN])}{more})"] if names else []


def _conversion(path: Path) -> str:
    code = (
        "import sys; from safetensors.torch import save_file; from torch import load; "
        "save_file(load(sys.argv[1], weights_only=True), sys.argv[2])"
    )
    return f'convert it by python -c "{code}" {quoted(path)} {quoted(path.with_suffix(".safetensors"))}'


@cache
def _tell(note: str) -> None:
    """Tell it once, and not from each worker, too."""
    if multiprocessing.parent_process() is None:
        print(one_line(note), file=sys.stderr)

"""How is a trained network kept? One safetensors file: its weights with their description, and no code."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor, nn

from nas.core.errors import UserError
from nas.core.types import Config
from nas.core.words import quoted
from nas.runs import origin, saved
from nas.runs.description import Description
from nas.runs.disk import replacing
from nas.runs.folder import REPRODUCTION, check_run
from nas.runs.tensors import opened
from nas.spaces.name import untrained
from nas.spaces.space import Space, load_for
from nas.training.evaluation import Evaluation
from nas.training.pieces import TRAINING

SUFFIX = ".safetensors"
_WEIGHTS = "weights_digest"


@dataclass(frozen=True)
class Trained:
    """What the file at `path` holds."""

    path: Path
    description: Description
    weights: Mapping[str, Tensor]

    def network(self, space: str | None) -> nn.Module:
        """Return the network, ready to predict, built by the space `space` or else the one it was found in.

        Pretrained weights that it began with are not needed.

        Raises UserError where that builds another.
        """
        known, asked = self.description, space or self.description.space
        name = untrained(asked)
        source = known.space_source if name == asked else None  # it speaks of those weights, too
        found, config = load_for(known.config, name, known.space_digest, source, self.path)
        try:
            model = found.build(config.values, known.shape, len(known.classes))
            model.load_state_dict(self.weights)
        except Exception as error:  # a space's build raises whatever it likes
            reason = " ".join(str(error).split())
            raise UserError(
                f"{self.path}: the space {found.name} builds no such network ({type(error).__name__}: {reason}); "
                "give --space FILE.py as it was"
            ) from None
        return model.eval()

    def metadata(self) -> dict[str, str]:
        """Return the description as text, with the digest of the weights."""
        return {**self.description.metadata(), _WEIGHTS: _digest(self.weights)}

    def unlike(self, configuration: saved.Saved, file: Path) -> list[str]:
        """Return in words why this is not the network of the `configuration` saved in `file`; nothing where it is."""
        return origin.of_network(self.description).unlike(origin.of_saved(configuration, file))


def keep(path: Path, tested: Evaluation, space: Space, config: Config, data: str, epochs: int, seed: int) -> None:
    """Write the network that was `tested` to `path`. Raises UserError for weights that safetensors cannot hold."""
    training = tested.training
    assert training, "only a test leaves a network"
    images = training.pieces[TRAINING].images
    classes = tuple(map(_utf8, tested.classes))
    description = Description(
        classes, images.shape, training.recipe.centred, config.values, _utf8(space.name), space.digest, space.source,
        _utf8(data), images.digest, epochs, seed, tested.metrics,
        images.ranges,
    )  # fmt: skip
    try:
        with training.judged() as model:
            weights = {name: _plain(value) for name, value in model.state_dict().items()}
        trained = Trained(path, description, weights)
        with replacing(path) as temporary:
            temporary.write_bytes(save(weights, trained.metadata()))
    except (AttributeError, TypeError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"the trained network cannot be kept in {path}: {type(error).__name__}: {error}") from None


def read(path: Path) -> Trained:
    """Return what `keep` wrote to `path`. Raises UserError for any other file, or one that was damaged since."""
    if not path.is_file():
        raise UserError(f"{path} does not exist: give a run's folder, such as runs/NAME, or its best{SUFFIX}")
    try:
        with opened(path) as file:
            metadata: dict[str, str] = file.metadata() or {}
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is no whole safetensors file ({error}): was it cut, or is it something else?"
        ) from None
    description = Description.of(metadata, path)
    if metadata.get(_WEIGHTS) != _digest(weights):
        raise UserError(
            f"{path} is damaged: its weights are not those that were written; nas evaluate trains them again"
        )
    return Trained(path, description, weights)


def find(source: Path) -> Trained:
    """Return the network in the file `source`, or that of the incumbent where it is the folder of a run.

    A reproduction has one, too.

    Raises UserError where it is neither, or the network is not the one of best.json.
    """
    if not source.is_dir():
        return read(source)
    if not (source / REPRODUCTION).exists():
        check_run(source)
    best, path = source / "best.json", source / f"best{SUFFIX}"
    incumbent = saved.read(best)
    if not path.exists():
        raise UserError(f"{path} is not there, the incumbent was not retrained: nas evaluate {quoted(best)} does it")
    trained = read(path)
    unlike = trained.unlike(incumbent, best)
    if unlike:
        raise UserError(
            f"{path} is not the network of best.json ({'; '.join(unlike)}): nas evaluate {quoted(best)} trains that one"
        )
    return trained


def drop_stale(path: Path, configuration: saved.Saved, file: Path) -> None:
    """Delete the network at `path` unless it is that of the `configuration` saved in `file`."""
    try:
        stale = bool(read(path).unlike(configuration, file))
    except UserError:
        stale = True
    if stale:
        path.unlink(missing_ok=True)


def _utf8(name: str) -> str:
    """Return the name of a file as text that can be written, whatever the locale took its bytes for."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _plain(value: Any) -> Tensor:
    """Return a tensor as it is written: on the CPU, rows in order, memory of its own even where weights are shared."""
    tensor: Tensor = value.detach().cpu()
    return tensor.clone(memory_format=torch.contiguous_format)


def _digest(weights: Mapping[str, Tensor]) -> str:
    digest = blake2b(digest_size=16)
    for name in sorted(weights):
        value = weights[name]
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}:".encode())
        digest.update(value.contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()

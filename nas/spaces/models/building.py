"""How is a known network built for images that it was not made for? Tried without memory, then adapted."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nas.core.errors import UserError
from nas.spaces.known import Shape
from nas.spaces.models.adapted import Adapted
from nas.spaces.models.model import Model
from nas.spaces.models.pretrained import Pretrained


@dataclass(frozen=True)
class Build:
    """Builds the network, whatever the configuration. On the meta device no weights are read or downloaded."""

    model: Model
    pretrained: Pretrained | None = None

    def __call__(self, config: Mapping[str, Any], shape: Shape, classes: int) -> nn.Module:
        """Return the network: images [n, *shape] in -1..1 in, logits [n, classes] out.

        Raises UserError where it cannot run on such images, or the pretrained weights are not of it.
        """
        taken, size = _suited(self.model, shape, classes)
        weightless = torch.get_default_device().type == "meta"
        network = _on_meta(self.model, shape, classes) if weightless else self.model.make(shape, classes)
        if self.pretrained:
            give = self.pretrained.check if weightless else self.pretrained.load
            give(self.model, network, self._head(shape, classes), classes)
        normalisation = self.model.normalisation
        if taken == shape[0] and normalisation is None and size is None:
            return network
        return Adapted(network, shape, taken, normalisation, size)

    def _head(self, shape: Shape, classes: int) -> frozenset[str]:
        """Return the names of the tensors whose shape depends on the number of classes."""
        one, other = (_shapes(_on_meta(self.model, shape, each)) for each in (classes, classes + 1))
        return frozenset(name for name in one if one[name] != other.get(name))


@lru_cache(maxsize=64)
def _suited(model: Model, shape: Shape, classes: int) -> tuple[int, int | None]:
    """Return which channels the network takes, and the size that images are scaled to for it to run; None: as it is."""
    channels = dict.fromkeys([model.channels] if model.channels else [shape[0], 3])
    sizes = [None, model.size] if model.size else [None]
    failures = list[str]()
    for size, taken in product(sizes, channels):
        try:
            logits = _tried(model, shape, classes, taken, size)
        except UserError:
            raise
        except Exception as error:  # whatever a network raises at images that it does not take
            failures.append(f"{type(error).__name__}: {' '.join(str(error).split())}")
            continue
        if not isinstance(logits, Tensor) or logits.shape != (2, classes):
            made = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise UserError(f"{model.name} makes {made} of 2 images, but must make logits (2, {classes})")
        return taken, size
    raise UserError(f"{model.name} cannot be built for images of {'x'.join(map(str, shape))}, or run: {failures[0]}")


@torch.no_grad()
def _tried(model: Model, shape: Shape, classes: int, taken: int, size: int | None) -> Any:
    """Return what the network makes of two images, without memory, or let through what it raises."""
    network = _on_meta(model, shape, classes).eval()
    height, width = (size, size) if size else shape[1:]
    with torch.device("meta"):
        return network(torch.empty(2, taken, height, width))


def _on_meta(model: Model, shape: Shape, classes: int) -> nn.Module:
    """Return the network without memory for its weights; no random numbers are spent on it."""
    with _weightless():
        return model.make(shape, classes).to("meta")


@contextmanager
def _weightless() -> Iterator[None]:
    """Leave out the memory of weights only: some networks compute their widths by tensors while they are built."""
    with torch.random.fork_rng(devices=[]), torch.device("cpu"), _EmptyOnMeta():
        yield


class _EmptyOnMeta(TorchFunctionMode):
    """What is to be filled yet, as weights are, lies on the meta device."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        place = {"device": "meta"} if function is torch.empty and not (kwargs or {}).get("device") else {}
        return function(*args, **{**(kwargs or {}), **place})


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}

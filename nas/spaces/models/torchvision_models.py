"""Which networks are torchvision's? Those that classify images, with its own way to draw weights."""

from collections.abc import Mapping
from functools import partial
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from nas.core.described import digest
from nas.core.errors import UserError
from nas.data.torchvision_compat import import_torchvision
from nas.spaces.known import Shape
from nas.spaces.models.model import IMAGENET, Model

_OTHERS = ("detection", "segmentation", "video", "quantization", "optical_flow")
# Logits only: the outputs that help to train them elsewhere are left out.
_AUXILIARY = {"inception_v3": ("AuxLogits.",), "googlenet": ("aux1.", "aux2.")}
_WITHOUT = {"aux_logits": False, "init_weights": True, "transform_input": True}


def names() -> list[str]:
    """Return the names of the networks that classify images."""
    models = _models()
    return list(models.list_models(module=models))


def of(called: str) -> Model | None:
    """Return the network, or None where there is no such. Raises UserError for one that does not classify images."""
    models = _models()
    if called not in names():
        _refuse(called, models)
        return None
    best = _best(called, models)
    transforms = best.transforms() if best else None
    normalisation = (tuple(transforms.mean), tuple(transforms.std)) if transforms else IMAGENET
    size = int(transforms.crop_size[0]) if transforms else 224
    return Model(
        called, partial(_made, called), digest({"torchvision": called}), 3, size, normalisation,
        _AUXILIARY.get(called, ()), partial(_downloaded, called),
    )  # fmt: skip


def _made(called: str, shape: Shape, classes: int) -> nn.Module:
    network: nn.Module = _models().get_model(called, num_classes=classes, **_arguments(called))
    return network


def _downloaded(called: str) -> Mapping[str, Tensor]:
    models = _models()
    network: nn.Module = models.get_model(called, weights=_best(called, models))
    return network.state_dict()


def _arguments(called: str) -> dict[str, Any]:
    return _WITHOUT if called in _AUXILIARY else {}


def _best(called: str, models: ModuleType) -> Any:
    """Return the weights to begin with: the best of those for the smallest images, as networks are made by default."""
    known = models.get_model_weights(called)
    return min(known, key=lambda each: (each.transforms().crop_size[0], each is not known.DEFAULT), default=None)


def _refuse(called: str, models: ModuleType) -> None:
    for kind in _OTHERS:
        if called in models.list_models(module=getattr(models, kind)):
            told = f"{called} is one of torchvision's models for {kind.replace('_', ' ')}"
            raise UserError(f"{told}, but here images are classified: choose one such as resnet18")


def _models() -> ModuleType:
    found: ModuleType = import_torchvision().models
    return found

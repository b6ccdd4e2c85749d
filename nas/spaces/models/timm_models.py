"""Which networks are timm's? All that it knows by name, tags of weights included: the extra [zoo] brings it."""

from collections.abc import Mapping
from functools import partial
from types import ModuleType

from torch import Tensor, nn

from nas.core.described import digest
from nas.core.extra import extra
from nas.data.torchvision_compat import import_torchvision
from nas.spaces.known import Shape
from nas.spaces.models.model import IMAGENET, Model


def names() -> list[str]:
    """Return the names of the networks. Raises UserError where timm is missing."""
    return list(_timm().list_models())


def of(called: str) -> Model | None:
    """Return the network, or None where there is no such. Raises UserError where timm is missing."""
    timm = _timm()
    try:
        known = timm.get_pretrained_cfg(called) if timm.is_model(called) else None
    except RuntimeError:  # no weights have such a tag
        return None
    if not timm.is_model(called):
        return None
    channels, size = (known.input_size[0], known.input_size[-1]) if known else (3, 224)
    normalisation = (tuple(known.mean), tuple(known.std)) if known else IMAGENET
    return Model(
        f"timm/{called}", partial(_made, called), digest({"timm": called}), channels, size, normalisation,
        download=partial(_downloaded, called),
    )  # fmt: skip


def _made(called: str, shape: Shape, classes: int) -> nn.Module:
    network: nn.Module = _timm().create_model(called, num_classes=classes)
    return network


def _downloaded(called: str) -> Mapping[str, Tensor]:
    network: nn.Module = _timm().create_model(called, pretrained=True)
    return network.state_dict()


def _timm() -> ModuleType:
    import_torchvision()  # which it imports itself
    return extra("timm", "zoo")

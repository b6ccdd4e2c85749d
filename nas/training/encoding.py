"""How does a state become JSON and tensors, and the very same state again? Nothing in it is code."""

import math
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import torch
from torch import Tensor, nn

from nas.core.errors import UserError

_PLAIN = (type(None), bool, int, str)
_DICTS = (dict, OrderedDict, defaultdict)
_TENSORS = (Tensor, nn.Parameter, nn.Buffer)
_AS_BYTES = (torch.complex128, torch.complex64, torch.complex32)  # kinds that not every safetensors knows


def encoded(state: Any, where: str) -> tuple[Any, dict[str, Tensor]]:
    """Return `state` as JSON, and by name the tensors that it speaks of; `where` is what it is the state of.

    A state is made of dicts, lists, tuples, numbers, text, None and dense tensors of any kind and memory format.
    Raises UserError, which says where it lies, for anything else.
    """
    tensors = dict[str, Tensor]()
    return _encoded(state, where, tensors), tensors


def decoded(content: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return the state that `encoded` made `content` and `tensors` of, with its tensors on the CPU."""
    if isinstance(content, list):
        return [decoded(each, tensors) for each in content]
    if not isinstance(content, dict):
        return content
    ((kind, value),) = content.items()
    if kind == "float":
        return float(value)
    if kind == "dtype":
        return getattr(torch, value)
    if kind == "tuple":
        return tuple(decoded(each, tensors) for each in value)
    if kind == "dict":
        return {decoded(key, tensors): decoded(each, tensors) for key, each in value}
    return _restored(tensors[value["name"]], value)


def _encoded(value: Any, where: str, tensors: dict[str, Tensor]) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": str(float(value))}
    if isinstance(value, IntEnum):
        return int(value)
    if isinstance(value, torch.dtype):
        return {"dtype": str(value).removeprefix("torch.")}
    if type(value) is list:
        return [_encoded(each, f"{where}/{i}", tensors) for i, each in enumerate(value)]
    if type(value) in (tuple, torch.Size):
        return {"tuple": [_encoded(each, f"{where}/{i}", tensors) for i, each in enumerate(value)]}
    if type(value) in _DICTS:
        pairs = value.items()
        return {"dict": [[_encoded(key, where, tensors), _encoded(v, f"{where}/{key}", tensors)] for key, v in pairs]}
    if type(value) in _TENSORS and value.layout == torch.strided and not value.is_quantized and not value.is_meta:
        return {"tensor": _kept(value.detach(), where, tensors)}
    raise UserError(f"{where} is a {type(value).__name__}, which cannot be kept when a training is stopped")


def _kept(value: Tensor, where: str, tensors: dict[str, Tensor]) -> dict[str, Any]:
    """Put `value` among the `tensors`, its rows in order, and return how it is made of that again."""
    name = where
    while name in tensors:
        name += "'"
    told: dict[str, Any] = {"name": name}
    dense = torch.empty_like(value, device="meta")
    if not dense.is_contiguous():
        told["stride"] = list(dense.stride())
    plain = value.resolve_conj().resolve_neg().contiguous()
    if value.dtype in _AS_BYTES:
        told |= {"dtype": str(value.dtype).removeprefix("torch."), "shape": list(value.shape)}
        plain = plain.flatten().view(torch.uint8)
    tensors[name] = plain
    return told


def _restored(plain: Tensor, told: Mapping[str, Any]) -> Tensor:
    if "dtype" in told:
        plain = plain.view(getattr(torch, told["dtype"])).reshape(told["shape"])
    if "stride" in told:
        return torch.empty_strided(plain.shape, told["stride"], dtype=plain.dtype).copy_(plain)
    return plain

"""How does torchvision import beside a CPU-only torch, whose missing CUDA libraries its binary part needs?"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

# What torchvision registers fake kernels for without asking whether the operators exist.
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_untyped: Any = torch
_keep_alive: list[Any] = []  # a library's definitions go when it is collected


@cache
def import_torchvision() -> ModuleType:
    """torchvision, whether or not its native library loads: only what needs that library then fails."""
    if not _native_library_loads():
        library = _untyped.library.Library("torchvision", "FRAGMENT")
        for schema in _SCHEMAS:
            library.define(schema)
        _keep_alive.append(library)
    return import_module("torchvision")


def _native_library_loads() -> bool:
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return True  # not even installed: the import will say so
    try:
        for library in Path(spec.origin).parent.glob("_C*.so"):
            _untyped.ops.load_library(library)
    except OSError:
        return False
    return True

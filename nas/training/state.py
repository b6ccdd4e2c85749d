"""How is training state kept between rungs? Model and optimizer tensors in one safetensors file, no pickle."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from nas.runs.tensors import opened

Parts = Mapping[str, tuple[nn.Module, torch.optim.Optimizer]]


def save(path: Path, parts: Parts, losses: list[list[float]], owner: str) -> None:
    """Write the models and optimizers by name, the loss of every epoch each has seen, and whose they are.

    All or nothing, also where two processes write the same file.
    """
    tensors: dict[str, Tensor] = {}
    for name, (model, optimizer) in parts.items():
        tensors |= {f"{name}/model/{key}": value.contiguous() for key, value in model.state_dict().items()}
        for index, slots in optimizer.state_dict()["state"].items():
            tensors |= {f"{name}/optimizer/{index}/{key}": value.contiguous() for key, value in slots.items()}
    _part(tensors)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    save_file(tensors, temporary, metadata={"progress": json.dumps([losses, _digest(tensors, losses, owner)])})
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def load(path: Path, parts: Parts, owner: str) -> list[list[float]] | None:
    """Fill `parts` from `path` and return the losses.

    None, and nothing touched, unless the file is whole and was saved for the same owner.
    """
    try:
        with opened(path) as file:
            losses, digest = json.loads((file.metadata() or {})["progress"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
        if _digest(tensors, losses, owner) != digest:
            return None
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None
    for name, (model, optimizer) in parts.items():
        model.load_state_dict(_under(tensors, f"{name}/model/"))
        weights, slots = list(model.parameters()), dict[int, dict[str, Any]]()
        for key, value in _under(tensors, f"{name}/optimizer/").items():
            index, slot = key.split("/")
            slots.setdefault(int(index), {})[slot] = _laid_out_like(weights[int(index)], value)
        optimizer.load_state_dict({"state": slots, "param_groups": optimizer.state_dict()["param_groups"]})
    curves: list[list[float]] = losses
    return curves


def _part(tensors: dict[str, Tensor]) -> None:
    """Give each tensor memory of its own, which the file asks for: weights may be tied, or parts of one."""
    taken = set[int]()
    for key, value in tensors.items():
        memory = value.untyped_storage().data_ptr()
        if memory in taken:
            tensors[key] = value.clone()
        taken.add(memory)


def _digest(tensors: Mapping[str, Tensor], losses: list[list[float]], owner: str) -> str:
    digest = hashlib.blake2b(json.dumps([losses, owner]).encode(), digest_size=16)
    for key in sorted(tensors):
        digest.update(key.encode())
        digest.update(tensors[key].cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _laid_out_like(weight: Tensor, value: Tensor) -> Tensor:
    """Return `value` in the memory format of its weight, which the fused optimizers take for granted."""
    return torch.empty_like(weight).copy_(value) if value.shape == weight.shape else value


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}

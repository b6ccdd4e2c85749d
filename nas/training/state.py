"""How is the state of a training kept? One safetensors file: its structure as JSON, its tensors, no pickle."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from nas.runs.tensors import opened
from nas.training.encoding import decoded, encoded

_STATE = "state"  # in the metadata of the file: structure and digest


def save(path: Path, state: Mapping[str, Any], owner: str) -> None:
    """Write the `state` of a training, and whose it is. All or nothing, also where two processes write the same file.

    Raises UserError for a state that cannot be kept so.
    """
    structure, tensors = encoded(dict(state), "state")
    _part(tensors)
    content = json.dumps([structure, _digest(tensors, structure, owner)])
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    save_file(tensors, temporary, metadata={_STATE: content})
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def load(path: Path, owner: str) -> dict[str, Any] | None:
    """Return the state in the file at `path`; None unless the file is whole and was saved for the same owner."""
    try:
        with opened(path) as file:
            structure, digest = json.loads((file.metadata() or {})[_STATE])
            # Copies lie in memory as torch's own do: where a vector begins decides in which order it is added up.
            tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118 (not a mapping)
        if _digest(tensors, structure, owner) != digest:
            return None
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None
    state: dict[str, Any] = decoded(structure, tensors)
    return state


def _part(tensors: dict[str, Tensor]) -> None:
    """Give each tensor memory of its own, which the file asks for: weights may be tied, or parts of one."""
    taken = set[int]()
    for key, value in tensors.items():
        memory = value.untyped_storage().data_ptr()
        if memory in taken:
            tensors[key] = value.clone()
        taken.add(memory)


def _digest(tensors: Mapping[str, Tensor], structure: Any, owner: str) -> str:
    digest = hashlib.blake2b(json.dumps([structure, owner]).encode(), digest_size=16)
    for key in sorted(tensors):
        digest.update(key.encode())
        digest.update(tensors[key].cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()

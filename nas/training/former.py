"""How does a training go on that an earlier version kept? All folds lay in one file, without groups of weights."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from nas.runs.tensors import opened
from nas.training.together import sharing
from nas.training.training import Training


def resume(training: Training, path: Path, fold: int, owner: str) -> bool:
    """Bring `training` to where the file at `path` has the fold; return whether that could be.

    Nothing is touched unless the file is whole and was kept for the same owner.
    """
    found = sharing().from_first(lambda: _read(path, f"fold{fold}/", owner))
    if found is None or fold >= len(found[0]):
        return False
    losses, tensors = found
    weights, slots = list(training.model.parameters()), dict[int, dict[str, Tensor]]()
    for key, value in _under(tensors, "optimizer/").items():
        index, slot = key.split("/")
        slots.setdefault(int(index), {})[slot] = _laid_out_like(weights[int(index)], value)
    now = training.state_dict()
    training.load_state_dict(
        {
            **now,
            "position": len(losses[fold]) * training.steps_per_epoch,
            "losses": losses[fold],
            "model": _under(tensors, "model/"),
            "optimizer": {**now["optimizer"], "state": slots},
        }
    )
    return True


def _read(path: Path, prefix: str, owner: str) -> tuple[list[list[float]], dict[str, Tensor]] | None:
    """Return the losses of all folds, and of the tensors those under `prefix`."""
    tensors = dict[str, Tensor]()
    try:
        with opened(path) as file:
            losses, expected = json.loads((file.metadata() or {})["progress"])
            digest = hashlib.blake2b(json.dumps([losses, owner]).encode(), digest_size=16)
            for key in sorted(file.keys()):
                value = file.get_tensor(key)
                digest.update(key.encode())
                digest.update(value.contiguous().flatten().view(torch.uint8).numpy().data)
                if key.startswith(prefix):
                    tensors[key.removeprefix(prefix)] = value
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None
    return (losses, tensors) if digest.hexdigest() == expected else None


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _laid_out_like(weight: Tensor, value: Tensor) -> Tensor:
    """Return `value` in the memory format of its weight, which the fused optimizers take for granted."""
    return torch.empty_like(weight).copy_(value) if value.shape == weight.shape else value

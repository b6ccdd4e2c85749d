"""In which pieces are weights looked at? Such as stay in a processor's cache, in the order in which they lie."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

_CHUNK = 1 << 18  # elements that a CPU takes at a time; a GPU takes all


def pieces(tensor: Tensor, like: Tensor) -> Sequence[Tensor]:
    """Return the pieces of `tensor`, in the order in which `like`, of the same shape, lies in memory."""
    dimensions = sorted(range(like.ndim), key=like.stride, reverse=True)
    ordered = like.permute(dimensions)
    if not ordered.is_contiguous():  # it has gaps, so it is taken as it is
        return (tensor,)
    flat = tensor.permute(dimensions).reshape(-1)
    return torch.split(flat, _CHUNK) if like.device.type == "cpu" and flat.numel() > _CHUNK else (flat,)


def product(one: Tensor, other: Tensor) -> Tensor:
    """Return the scalar product, in at least 32 bits."""
    wide = torch.promote_types(one.dtype, torch.float32)
    return torch.dot(one.reshape(-1).to(wide), other.reshape(-1).to(wide))


def fetched(sums: Sequence[Tensor | None]) -> Iterator[list[float]]:
    """Yield the numbers of each tensor, all of which are fetched at once from where they lie."""
    there = [each for each in sums if each is not None]
    numbers = iter(torch.cat([each.to(there[0].device) for each in there]).tolist() if there else [])
    for each in sums:
        yield [next(numbers) for _ in range(0 if each is None else len(each))]

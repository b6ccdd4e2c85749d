"""How do batches come from image files that are too many to keep decoded in memory?"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, get_worker_info

from nas.core.errors import UserError
from nas.data.decode import cores, decode, in_threads
from nas.data.pixels import Ranges

WORTH_WORKERS = 1024  # images; fewer are decoded before worker processes would have started
Payload = TypeVar("Payload")


def streamed(
    files: Sequence[Path],
    shape: tuple[int, int, int],
    batches: Sequence[Tensor],
    device: torch.device,
    ranges: Ranges | None = None,
) -> Iterator[Tensor]:
    """The pixels of the files numbered in each of `batches` (int64 [b], CPU), uint8 [b, c, h, w] on `device`.

    Raises UserError, naming the file, where one cannot be decoded.
    """
    loader: DataLoader[Tensor | UserError] = DataLoader(
        _Files(files, shape, ranges or {}),
        sampler=[batch.tolist() for batch in batches],
        batch_size=None,  # the sampler already gives whole batches
        num_workers=_worker_count(sum(map(len, batches))),
        collate_fn=_as_is,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # the loader draws a number, and would take it from the training's own
    )
    for batch in loader:
        if isinstance(batch, UserError):
            raise batch
        yield batch.to(device, non_blocking=True)


class _Files(Dataset["Tensor | UserError"]):
    """Image files by batches of numbers."""

    def __init__(self, files: Sequence[Path], shape: tuple[int, int, int], ranges: Ranges) -> None:
        self.files, self.shape, self.ranges = files, shape, ranges

    def __getitem__(self, numbers: list[int]) -> Tensor | UserError:
        try:
            if get_worker_info() is None:
                return torch.stack(in_threads(self._decode, numbers))
            return torch.stack([self._decode(number) for number in numbers])
        except UserError as error:
            return error  # raised in a worker, it would arrive wrapped in that worker's traceback

    def _decode(self, number: int) -> Tensor:
        return decode(self.files[number], self.shape[1:], ranges=self.ranges)


def _worker_count(images: int) -> int:
    if images < WORTH_WORKERS or multiprocessing.current_process().daemon:  # a daemon may have no children
        return 0
    return min(cores(), 8)


def _as_is(payload: Payload) -> Payload:
    return payload

"""How do batches come from image files that are too many to keep decoded in memory?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from nas.data import decoders
from nas.data.parallel import in_threads
from nas.data.picture import Assumed, pixels
from nas.data.pixels import Ranges

WORTH_PROCESSES = 512  # images; fewer are decoded here before a process would have started
AHEAD = 2  # batches that processes are asked for before they are needed: with one, who is done first waits for others


@dataclass(frozen=True)
class Source:
    """Image files, and what they become."""

    files: Sequence[Path]
    shape: tuple[int, int, int]  # channels, height, width
    ranges: Ranges = field(default_factory=dict)
    assumed: Assumed | None = None


def streamed(source: Source, batches: Sequence[Tensor], device: torch.device, processes: int = 0) -> Iterator[Tensor]:
    """The pixels of the files numbered in each of `batches` (int64 [b], CPU), uint8 [b, c, h, w] on `device`.

    With `processes` the next batches are decoded by them while the caller works on one; never more than AHEAD batches
    more are in memory. Batches are the same for any number of processes. Raises UserError, naming the file, where one
    cannot be decoded, IndexError where there is none of a number, RuntimeError where a process died.
    """
    few = sum(map(len, batches)) < WORTH_PROCESSES
    for batch in _decoded_here(source, batches) if few or not processes else _ahead(source, batches, device, processes):
        yield batch.to(device, non_blocking=True)


def _decoded_here(source: Source, batches: Sequence[Tensor]) -> Iterator[Tensor]:
    def decode(number: int) -> Tensor:
        return torch.from_numpy(pixels(source.files[number], size, None, source.ranges, source.assumed))

    size = (source.shape[1], source.shape[2])
    for batch in batches:
        yield torch.stack(in_threads(decode, batch.tolist()))


def _ahead(source: Source, batches: Sequence[Tensor], device: torch.device, processes: int) -> Iterator[Tensor]:
    task = decoders.Task(source.shape, source.ranges, source.assumed)
    largest = max(map(len, batches)) * math.prod(source.shape)

    def place(number: int) -> int:
        return number % AHEAD * largest

    def ask(number: int) -> None:
        files = [source.files[index] for index in batches[number].tolist()]
        team.ask(task, files, place(number))

    with decoders.lent(processes) as team:
        for number in range(min(AHEAD, len(batches))):
            ask(number)
        for number, batch in enumerate(batches):
            decoded = torch.empty((len(batch), *source.shape), dtype=torch.uint8, pin_memory=device.type == "cuda")
            team.fetch(decoded.numpy(), place(number))
            if number + AHEAD < len(batches):
                ask(number + AHEAD)
            yield decoded

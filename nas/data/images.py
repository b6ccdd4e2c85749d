"""What does a data set look like to those who train on it, and how do its batches reach the device?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path

import torch
from torch import Tensor

from nas.core.digests import is_listed
from nas.data.memory import available_memory
from nas.data.picture import Assumed
from nas.data.pixels import Ranges

Shape = tuple[int, int, int]  # channels, height, width


@dataclass(frozen=True, eq=False)
class Images:
    """One part of a data set: labels always in memory, pixels in memory or, when too big, as files.

    Both kinds hand out the same batches, and a `digest` by contents is the same where the images are.
    """

    name: str
    part: str  # "train" or "test"
    classes: tuple[str, ...]
    shape: Shape
    labels: Tensor  # int64 [n], on the CPU
    pixels: Tensor | None  # uint8 [n, c, h, w]; None: decoded from `files` on access
    files: Sequence[Path] = ()
    holdout: tuple[int, ...] = ()  # the official validation images inside this part, if there are any
    digest: str = ""  # by contents; by names, sizes and times where these are not known
    listing: str = ""  # the latter, of more files than are read without need
    ranges: Ranges = field(default_factory=dict)  # of pixel values that have none of their own
    contents: tuple[bytes, ...] = ()  # hashes of the files, if it is made of files
    notes: tuple[str, ...] = ()  # lines on what was converted and left out
    assumed: Assumed | None = None  # what was not looked at, and must be so
    decoders: int = 0  # processes that decode while the device computes

    def __len__(self) -> int:
        return len(self.labels)

    def digest_like(self, other: str) -> str:
        """The digest that can be compared with `other`, by listing or by contents, if this kind is known."""
        return self.listing if self.listing and is_listed(other) else self.digest

    def to(self, device: torch.device | str) -> Images:
        """The same images with resident pixels on `device`; streamed ones are returned as they are."""
        return self if self.pixels is None else replace(self, pixels=self.pixels.to(device))

    def batches(self, order: Tensor, batch_size: int, device: torch.device | str) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of the images numbered in `order` (int64 [m]), in that order, the last one possibly short.

        Yields pixels, uint8 [b, c, h, w], and labels, int64 [b], both on `device`. Pixels that `to` has put
        there are picked without the host ever waiting for the device. Raises UserError, naming the file, for
        a streamed image that is broken, and IndexError for a number that is no image's.
        """
        if not len(order):
            return iter(())
        # Labels and order move once, before the first batch: a copy inside the loop would stall a GPU.
        labels = torch.split(self.labels[order.cpu()].to(device), batch_size)
        if self.pixels is None:
            from nas.data.stream import Source, streamed  # only big data pay for the import

            source = Source(self.files, self.shape, self.ranges, self.assumed)
            numbers = torch.split(order.cpu(), batch_size)
            pixels = streamed(source, numbers, torch.device(device), self.decoders)
        else:
            numbers = torch.split(order.to(self.pixels.device), batch_size)
            pixels = _resident(self.pixels, numbers, device)
        return zip(pixels, labels, strict=True)


def _resident(pixels: Tensor, batches: Sequence[Tensor], device: torch.device | str) -> Iterator[Tensor]:
    for batch in batches:
        yield pixels[batch].to(device)


def fits_in_memory(count: int, shape: Shape, resident_bytes: int | None = None) -> bool:
    """Whether `count` images of `shape` stay within the limit, by default a quarter of what is available."""
    if resident_bytes is None:
        resident_bytes = available_memory() // 4
    channels, height, width = shape
    return count * channels * height * width <= resident_bytes


def resident(name: str, part: str, classes: Sequence[str], pixels: Tensor, labels: Tensor) -> Images:
    """Images from what is in memory already: `pixels` uint8 [n, c, h, w], `labels` int64 [n]."""
    channels, height, width = pixels.shape[1:]
    shape = (channels, height, width)
    return Images(
        name, part, tuple(classes), shape, labels, pixels,
        digest=content_digest(classes, shape, labels, (), [pixels.contiguous().numpy().data]),
    )  # fmt: skip


def content_digest(
    classes: Sequence[str],
    shape: Shape,
    labels: Tensor,
    holdout: Sequence[int],
    contents: Iterable[bytes | memoryview],
) -> str:
    """BLAKE2b, 16 bytes in hex, of all that training can see; `contents` are the pixels, or the files."""
    digest = blake2b(json.dumps([list(classes), shape, list(holdout)]).encode(), digest_size=16)
    digest.update(labels.numpy().data)
    for content in contents:
        digest.update(content)
    return digest.hexdigest()

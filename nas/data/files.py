"""How does a list of labelled image files become Images, in memory or streamed by their size?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import torch
from torch import Tensor

from nas.core.errors import UserError
from nas.data.decode import Size, all_in_threads, decode, look_at, read
from nas.data.images import Images, content_digest, fits_in_memory
from nas.data.pixels import DEEP, Look, Ranges, ranges_of


@dataclass(frozen=True)
class Files:
    """Labelled image files of a part of a data set, and what those of its train part have shown of all."""

    name: str
    part: str
    classes: tuple[str, ...]
    paths: Sequence[Path]
    labels: Sequence[int]
    size: Size
    holdout: Sequence[int] = ()
    training: Sequence[Path] | None = None  # the files of the train part, where these are others
    left_out: str = ""  # what else lies there


def from_files(files: Files, resident_bytes: int | None = None) -> Images:
    """Images of `files`, decoded to RGB of their size: at once where they fit in memory, else on access.

    Either way every file is read once here, for the digest. Values without a range of their own are scaled by that of
    the whole train part. Raises UserError, naming the files, for those that are missing, and when decoded at once for
    those that are broken.
    """
    shape = (3, *files.size)
    keep = fits_in_memory(len(files.paths), shape, resident_bytes)
    pixels = torch.empty((len(files.paths), *shape), dtype=torch.uint8) if keep else None

    def take(index: int) -> tuple[bytes, Look]:
        content = read(files.paths[index])
        seen = look_at(files.paths[index], content)
        if pixels is not None and seen.depth.plain:
            pixels[index] = decode(files.paths[index], files.size, content)
        return blake2b(content, digest_size=16).digest(), seen

    taken = all_in_threads(take, range(len(files.paths)))
    looks = [seen for _, seen in taken]
    ranges = _ranges(files, looks)
    if pixels is not None:
        _fill(pixels, files, ranges, [i for i, seen in enumerate(looks) if not seen.depth.plain])
    if files.part == "train" and pixels is not None and len(pixels) and pixels.min() == pixels.max():
        raise UserError(f"{files.name}: all pixels of all training images are alike: there is nothing to see in them")
    targets = torch.tensor(files.labels, dtype=torch.int64)
    contents = [content for content, _ in taken]
    return Images(
        files.name,
        files.part,
        files.classes,
        shape,
        targets,
        pixels,
        files=() if keep else tuple(files.paths),
        holdout=tuple(files.holdout),
        digest=content_digest(files.classes, shape, targets, files.holdout, [*contents, *_converted(looks, ranges)]),
        ranges=ranges,
        contents=tuple(contents),
        notes=tuple(_notes(files, looks, ranges)),
    )


@dataclass(frozen=True)
class Checked:
    """What is known of the files of a test part: hashes of them, and how many have values beyond the range."""

    contents: tuple[bytes, ...] = ()
    beyond: int = 0


def check(paths: Sequence[Path], ranges: Ranges | None = None) -> Checked:
    """Return what is known of files, all of which can be read as images, and scaled by `ranges` if given.

    Raises UserError naming those that cannot.
    """

    def whole(path: Path) -> tuple[bytes, bool]:
        content = read(path)
        seen = look_at(path, content)
        decode(path, (1, 1), content, {seen.depth.kind: (0.0, 1.0)} if ranges is None else ranges)
        return blake2b(content, digest_size=16).digest(), bool(ranges) and seen.beyond(ranges or {})

    found = all_in_threads(whole, paths)
    return Checked(tuple(content for content, _ in found), sum(beyond for _, beyond in found))


def _ranges(files: Files, looks: Sequence[Look]) -> Ranges:
    """Return the ranges that hold for `files`: those of the train part, which is looked at where one is needed."""
    if files.training is not None and not all(seen.depth.plain for seen in looks):
        looks = all_in_threads(lambda path: look_at(path, read(path)), files.training)
    return ranges_of(files.name, looks)


def _fill(pixels: Tensor, files: Files, ranges: Ranges, numbers: Sequence[int]) -> None:
    """Decode the images of these numbers, whose range is known now."""

    def take(index: int) -> None:
        pixels[index] = decode(files.paths[index], files.size, ranges=ranges)

    all_in_threads(take, numbers)


def _converted(looks: Sequence[Look], ranges: Ranges) -> Iterable[bytes]:
    """Yield what of the pixels the content of the files does not tell: how they were brought to bytes."""
    if any(seen.transparent for seen in looks):
        yield b"on white"
    if any(seen.depth.kind and (seen.depth != DEEP or DEEP.kind in ranges) for seen in looks):
        yield json.dumps(["scaled", sorted(ranges.items())]).encode()


def _notes(files: Files, looks: Sequence[Look], ranges: Ranges) -> Iterable[str]:
    """Yield lines on what a person who sees the files would want to know."""
    if files.left_out:
        what = "training" if files.part == "train" else files.part
        yield f"{len(files.paths):,} {what} images; left out: {files.left_out}"
    kinds = Counter(seen.depth for seen in looks if seen.depth.kind)
    for depth, count in kinds.items():
        low, high = ranges.get(depth.kind, (depth.low, depth.high))
        whose = "the range of all training images" if depth.kind in ranges else "the range of their type"
        yield f"{_images(count)} of {depth.kind} values scaled from {low:g} .. {high:g}, {whose}, to 0 .. 255"
    transparent = sum(seen.transparent for seen in looks)
    if transparent:
        yield f"{_images(transparent)} with transparency laid on white"


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"

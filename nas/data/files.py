"""How does a list of labelled image files become Images, in memory or streamed by their size?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import torch
from torch import Tensor

from nas.core.digests import listed
from nas.core.errors import UserError
from nas.core.words import quoted
from nas.data.decode import decode
from nas.data.images import Images, content_digest, fits_in_memory
from nas.data.parallel import all_in_threads
from nas.data.picture import Assumed, Size, look_at, pixels, read
from nas.data.pixels import DEEP, Look, Ranges, ranges_of
from nas.data.sizes import USUAL, alike
from nas.data.stamps import stamps
from nas.data.survey import Survey, is_large, read_all, sampled, summary, survey


@dataclass(frozen=True)
class Files:
    """Labelled image files of a part of a data set. Those of its train part say what holds for all."""

    name: str
    part: str
    classes: tuple[str, ...]
    paths: Sequence[Path]
    labels: Sequence[int]
    training: Sequence[Path]  # the files of the train part
    image_size: int | None = None  # pixels a side, if told
    holdout: Sequence[int] = ()
    left_out: str = ""  # what else lies there


def from_files(files: Files, resident_bytes: int | None = None) -> Images:
    """Images of `files`, decoded to RGB of one size (see `nas.data.sizes`): at once where they fit in memory.

    What fits there, and what is few files, is read whole here. Of a larger train part only a sample is looked at: a
    file that is otherwise is told when it is met. Values without a range of their own are scaled by that of the whole
    train part. Raises UserError, naming the files, for those that are seen to be missing or broken.
    """
    training, told = files.training, files.image_size
    own = None if told else alike(sampled(training))
    usual = (told, told) if told else USUAL
    found = None
    if is_large(training):
        if not fits_in_memory(len(training), (3, *(own or usual)), resident_bytes):
            found = survey(files.name, training)
            own = found.size if own and found.whole else own
        elif own:
            own = alike(training)
    size = own or usual
    keep = fits_in_memory(len(files.paths), (3, *size), resident_bytes)
    if found is None or keep or not is_large(files.paths):
        return _read(files, size, keep)
    return _listed(files, found, size, own)


def _read(files: Files, size: Size, keep: bool) -> Images:
    """Images of files all of which are read here, for the digest, and decoded where they are to be kept."""
    kept = torch.empty((len(files.paths), 3, *size), dtype=torch.uint8) if keep else None

    def take(index: int) -> tuple[bytes, Look]:
        content = read(files.paths[index])
        seen = look_at(files.paths[index], content)
        if kept is not None and seen.depth.plain:
            kept[index] = decode(files.paths[index], size, content)
        return blake2b(content, digest_size=16).digest(), seen

    taken = all_in_threads(take, range(len(files.paths)))
    looks, contents = [seen for _, seen in taken], tuple(content for content, _ in taken)
    ranges = _ranges(files, looks)
    if kept is not None:
        _fill(kept, files, ranges, [i for i, seen in enumerate(looks) if not seen.depth.plain])
    if files.part == "train" and kept is not None and len(kept) and kept.min() == kept.max():
        raise UserError(f"{files.name}: all pixels of all training images are alike: there is nothing to see in them")
    return _images(files, size, summary(looks, len(looks), ranges=ranges, contents=contents), kept)


def _listed(files: Files, found: Survey, size: Size, own: Size | None) -> Images:
    """Images of files none of which is read here; `found` is what is known of those of the train part.

    `own` is the size that all of these have, as far as they were looked at, where the images get it.
    """
    cure = f"have all files read first by: python -m nas.main data {quoted(files.name)}"
    if files.part == "train":
        return replace(_images(files, size, found), assumed=found.assumed(own, cure))
    unseen = Survey(len(files.paths), 0, {}, 0, found.ranges)
    return replace(_images(files, size, unseen), assumed=found.assumed(None, cure))


def _images(files: Files, size: Size, found: Survey, kept: Tensor | None = None) -> Images:
    shape, targets = (3, *size), torch.tensor(files.labels, dtype=torch.int64)

    def digest(contents: Iterable[bytes]) -> str:
        return content_digest(files.classes, shape, targets, files.holdout, contents)

    listing = ""
    if is_large(files.paths):
        seen = found.stamps or stamps(files.paths)
        listing = listed(digest([seen.names]), seen.times.hex())
    return Images(
        files.name,
        files.part,
        files.classes,
        shape,
        targets,
        kept,
        files=() if kept is not None else files.paths,
        holdout=tuple(files.holdout),
        digest=digest([*found.contents, *_converted(found)]) if found.contents else listing,
        listing=listing,
        ranges=found.ranges,
        contents=found.contents,
        notes=tuple(_notes(files, found)),
    )


@dataclass(frozen=True)
class Checked:
    """What is known of the files of a test part: hashes of them, and how many have values beyond the range."""

    contents: tuple[bytes, ...] = ()
    beyond: int = 0


def check(
    paths: Sequence[Path], ranges: Ranges | None = None, assumed: Assumed | None = None, title: str = ""
) -> Checked:
    """Return what is known of files, all of which can be read as images, scaled by `ranges` if given, as `assumed`.

    Raises UserError naming those that cannot. `title` is for a bar that shows how far it is.
    """

    def whole(path: Path) -> tuple[bytes, bool]:
        content = read(path)
        seen = look_at(path, content)
        pixels(path, (1, 1), content, {seen.depth.kind: (0.0, 1.0)} if ranges is None else ranges, assumed)
        return blake2b(content, digest_size=16).digest(), bool(ranges) and seen.beyond(ranges or {})

    found = all_in_threads(whole, paths, title)
    return Checked(tuple(content for content, _ in found), sum(beyond for _, beyond in found))


def _ranges(files: Files, looks: Sequence[Look]) -> Ranges:
    """Return the ranges that hold for `files`: those of the train part, which is looked at where one is needed."""
    needed = {seen.depth for seen in looks if not seen.depth.plain}
    if files.part == "train" or not needed:
        return ranges_of(files.name, looks)
    found = survey(files.name, files.training)
    if not found.whole and not needed <= set(found.kinds):
        found = read_all(files.name, files.training)
    return found.ranges


def _fill(kept: Tensor, files: Files, ranges: Ranges, numbers: Sequence[int]) -> None:
    """Decode the images of these numbers, whose range is known now."""

    def take(index: int) -> None:
        kept[index] = decode(files.paths[index], (kept.shape[2], kept.shape[3]), ranges=ranges)

    all_in_threads(take, numbers)


def _converted(found: Survey) -> Iterable[bytes]:
    """Yield what of the pixels the content of the files does not tell: how they were brought to bytes."""
    if found.transparent:
        yield b"on white"
    if any(depth != DEEP or DEEP.kind in found.ranges for depth in found.kinds):
        yield json.dumps(["scaled", sorted(found.ranges.items())]).encode()


def _notes(files: Files, found: Survey) -> Iterable[str]:
    """Yield lines on what a person who sees the files would want to know."""
    what = "training" if files.part == "train" else files.part
    if files.left_out:
        yield f"{len(files.paths):,} {what} images; left out: {files.left_out}"
    if not found.whole and found.seen:
        yield (
            f"{found.seen:,} of {found.count:,} {what} images were looked at, by their headers; "
            f"python -m nas.main data {quoted(files.name)} reads them all"
        )
    for depth, count in found.kinds.items():
        low, high = found.ranges.get(depth.kind, (depth.low, depth.high))
        whose = "the range of all training images" if depth.kind in found.ranges else "the range of their type"
        yield f"{_counted(count)} of {depth.kind} values scaled from {low:g} .. {high:g}, {whose}, to 0 .. 255"
    if found.transparent:
        yield f"{_counted(found.transparent)} with transparency laid on white"


def _counted(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"

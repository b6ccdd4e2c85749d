"""What do the values in an image file mean as bytes? The same for every image of a data set, of every Pillow mode."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nas.core.errors import UserError

Ranges = Mapping[str, tuple[float, float]]  # least and largest value, of each kind without a range of its own
_DEEP = "16-bit"
_USED = 12  # bits: cameras of so many, or fewer, write 16; such images would come out nearly black
FLOAT, INTEGER, UNSIGNED, SHORT = "float", "32-bit integer", "unsigned 32-bit integer", "signed 16-bit"
_BITS, _FORMAT = 258, 339  # TIFF tags: bits a sample, and whether these are unsigned (1), signed (2) or float (3)
_SIGNED = 2
_SIXTEEN = ("PNG", "PPM", "JPEG2000")  # formats whose integers Pillow brings to 16 bits


@dataclass(frozen=True, slots=True)
class Depth:
    """What kind of values an image has, if not bytes, and their range; None where only the data set has one."""

    kind: str = ""
    low: int | None = None
    high: int | None = None

    @property
    def bounded(self) -> bool:
        """Whether it has a range of its own."""
        return not self.kind or self.low is not None

    @property
    def plain(self) -> bool:
        """Whether bytes can be made of it without looking at other images."""
        return self.bounded and self.kind != _DEEP


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one image: its depth, its extremes where it has no range, whether anything shines through."""

    depth: Depth
    low: float = 0.0
    high: float = 0.0
    transparent: bool = False

    def beyond(self, ranges: Ranges) -> bool:
        """Return whether values lie outside of the range that they are scaled by, which cuts them off."""
        low, high = ranges.get(self.depth.kind, (-math.inf, math.inf))
        return not low <= self.low <= self.high <= high


DEEP = Depth(_DEEP, 0, 2**16 - 1)


def depth_of(image: Image.Image) -> Depth:
    """Return what kind of values `image` has. To be asked of the image as opened, which knows its file's type."""
    tags = getattr(image, "tag_v2", {})
    bits = next(iter(_tuple(tags.get(_BITS))), 0)
    signed = next(iter(_tuple(tags.get(_FORMAT))), 1) == _SIGNED  # as TIFF tells it
    if image.mode == "F":
        return Depth(FLOAT)
    if image.mode == "I" and image.format in _SIXTEEN:
        return DEEP
    if image.mode == "I" and bits not in range(1, 17):
        return Depth(INTEGER if signed or not tags else UNSIGNED)
    if (image.mode == "I" and signed) or (image.mode, image.format) == ("I;16", "FITS"):
        return Depth(SHORT, -(2**15), 2**15 - 1)
    if image.mode == "L" and signed:
        return Depth("signed 8-bit", -(2**7), 2**7 - 1)
    if image.mode.startswith("I"):
        return Depth(f"{bits}-bit", 0, 2**bits - 1) if 8 < bits < 16 else DEEP
    return Depth()


def look(image: Image.Image, path: Path) -> Look:
    """Return what is to be known of `image` before bytes are made of it. Decodes no plain image.

    Raises UserError for values that are not numbers.
    """
    depth = depth_of(image)
    low = high = 0.0
    if not depth.plain:
        values = _values(image, depth)
        wrong = int(np.count_nonzero(~np.isfinite(values)))
        if wrong:
            raise UserError(f"{path}: {wrong} of its values are no numbers (nan or inf): mend or remove it")
        low, high = float(values.min()), float(values.max())
    if not depth.bounded:
        return Look(depth, low, high)
    return Look(depth, low, high, transparent=image.has_transparency_data and _shines_through(image))


def ranges_of(name: str, looks: Iterable[Look]) -> dict[str, tuple[float, float]]:
    """Return the range of each kind of values without one of its own, and of 16 bits where few of them are used.

    Raises UserError where all values are the same.
    """
    found = dict[str, tuple[float, float]]()
    for each in looks:
        if not each.depth.plain:
            low, high = found.get(each.depth.kind, (each.low, each.high))
            found[each.depth.kind] = (min(low, each.low), max(high, each.high))
    for kind, (low, high) in found.items():
        if low == high:
            raise UserError(f"{name}: all pixels of its {kind} images are {low:g}: there is nothing to see in them")
    if _DEEP in found:
        bits = _bits(found.pop(_DEEP)[1])
        if bits <= _USED:
            found[_DEEP] = (0.0, 2.0**bits - 1)
    return found


def unsettled(looks: Sequence[Look]) -> bool:
    """Return whether values of these images are scaled by the range of all others, too, not only of these."""
    deep = [each.high for each in looks if each.depth == DEEP]
    bounded = all(each.depth.bounded for each in looks)
    return not bounded or (bool(deep) and _bits(max(deep)) <= _USED)


def to_rgb(image: Image.Image, depth: Depth, ranges: Ranges) -> Image.Image:
    """Return `image` as RGB bytes: by the range of its type or of `ranges`, and on white where it is transparent.

    Raises UserError where neither tells the range.
    """
    hidden = image.info.get("transparency")
    if depth.kind:
        values = _values(image, depth)
        grey = Image.fromarray(_bytes(values, depth, ranges))
        if isinstance(hidden, int) and depth == DEEP:
            grey.paste(255, mask=Image.fromarray((values == hidden).astype(np.uint8) * 255))
        return grey.convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = _rgba(image)
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _bits(most: float) -> int:
    return max(8, int(most).bit_length())


def _bytes(values: np.ndarray[Any, Any], depth: Depth, ranges: Ranges) -> np.ndarray[Any, Any]:
    if depth.low is not None and depth.high is not None and depth.kind not in ranges:
        bits = (depth.high - depth.low).bit_length()
        return ((values.astype(np.int64) - depth.low) >> (bits - 8)).astype(np.uint8)
    if depth.kind not in ranges:
        raise UserError(
            f"its pixels are of {depth.kind} values, whose range is not known: the training images are of "
            "other values; convert it to those"
        )
    low, high = ranges[depth.kind]
    share = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)
    return np.rint(share * 255).astype(np.uint8)


def _values(image: Image.Image, depth: Depth) -> np.ndarray[Any, Any]:
    values = np.asarray(image)
    if depth.kind == "signed 8-bit":
        return values.view(np.int8)
    if depth.kind == SHORT and values.dtype == np.uint16:
        return values.view(np.int16)  # of FITS, whose sign Pillow does not know
    if depth.kind == UNSIGNED:
        return values.view(np.uint32)  # Pillow takes the upper half for negative
    return values


def _shines_through(image: Image.Image) -> bool:
    hidden = image.info.get("transparency")
    if image.mode.startswith("I"):
        return isinstance(hidden, int) and bool((np.asarray(image) == hidden).any())
    least: Any = _rgba(image).getchannel("A").getextrema()[0]
    return bool(least < 255)


def _rgba(image: Image.Image) -> Image.Image:
    return (image.convert("LA") if image.mode == "La" else image).convert("RGBA")


def _tuple(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else () if value is None else (value,)

"""What are the pixels of an image file? Without torch, which a process that only decodes has no need of."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from nas.core.errors import UserError
from nas.data.pixels import DEEP, Depth, Look, Ranges, depth_of, look, to_rgb

_NOT_PICTURES = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}  # formats that Pillow knows of and cannot draw by itself
_LARGEST = 2**29  # pixels of an image; Pillow itself takes 89 million for an attack, and twice as many for an error
_LONGEST_TEXT = 2**28  # bytes of a text in a PNG; Pillow's 1 MB is less than what some programs write about an image
_PNG = b"\x89PNG\r\n\x1a\n"
LARGEST_OWN_SIZE = 64  # pixels a side; what is larger, or of several sizes, becomes 64 x 64 unless told
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)  # the EXIF tag, and its values that swap height and width
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")  # about damaged texts that nobody reads here

Size = tuple[int, int]  # height, width


@dataclass(frozen=True)
class Assumed:
    """What a sample of the files of a data set showed, by which each other file is judged when it is met."""

    seen: int  # files in the sample
    size: Size | None = None  # of each of them, where images keep their own
    deep: bool = False  # whether the upper eight of 16 bits are meant, as the sample used them
    cure: str = ""  # what to do about a file that differs

    def check(self, size: Size, depth: Depth) -> None:
        """Raise UserError for a file that the sample says nothing of: what its pixels should become is not known."""
        if self.size and size != self.size:
            own, others = (f"{width}x{height}" for height, width in (size, self.size))
            raise UserError(
                f"its size is {own}, and all of the {self.seen:,} files that were looked at are {others}: "
                f"give --image-size, or {self.cure}"
            )
        if not depth.plain and (depth != DEEP or not self.deep):
            raise UserError(
                f"its pixels are {depth.kind} values, which none of the {self.seen:,} files that were looked at has: "
                f"convert it to bytes, or {self.cure}"
            )


@cache
def suffixes() -> frozenset[str]:
    """Return the endings, in lower case, of the files that Pillow reads as images."""
    Image.init()
    readable = {form for form in Image.OPEN if form not in _NOT_PICTURES}
    mpo = {".mpo"}  # photographs of some cameras, which Pillow reads as JPEG and does not register by themselves
    return frozenset(suffix for suffix, form in Image.registered_extensions().items() if form in readable) | mpo


def pixels(
    path: Path,
    size: Size,
    content: bytes | None = None,
    ranges: Ranges | None = None,
    assumed: Assumed | None = None,
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return an image file as RGB, uint8 [3, height, width], upright by its EXIF, on white where transparent.

    An image of another size is resized and centre-cropped. `content` saves reading the file again. `ranges` are those
    of the data set, which values without a range of their own are scaled by. Raises UserError, naming the file, where
    it is missing or broken, where what its values mean is not known, or where it is not as `assumed`.
    """
    height, width = size
    content = read(path) if content is None else content
    with _opened(path, content) as image:
        depth = depth_of(image)
        try:
            if assumed:
                assumed.check(_upright_size(image), depth)
            if content.startswith(_PNG):  # whose checksums decoding passes over
                Image.open(BytesIO(content)).verify()
            rgb = to_rgb(_upright(image), depth, ranges or {})
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        fitted = ImageOps.fit(rgb, (width, height), Image.Resampling.BILINEAR)
    return np.array(np.asarray(fitted).transpose(2, 0, 1), order="C")


def look_at(path: Path, content: bytes | None = None) -> Look:
    """Return what is to be known of an image file before it is decoded; without `content` little of it is read.

    Raises UserError as `pixels` does.
    """
    with _opened(path, path if content is None else content) as image:
        return look(image, path)


def own_size(path: Path, content: bytes | None = None) -> Size:
    """Return the height and width of an image, upright, from its header. Raises UserError for a broken one."""
    with _opened(path, path if content is None else content) as image:
        return _upright_size(image)


def check_whole(path: Path) -> None:
    """Raise UserError where the file cannot be decoded."""
    with _opened(path, path) as image:
        image.load()


def read(path: Path) -> bytes:
    """Return the content of a file. Raises UserError, naming it, where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise broken(path, error) from error


def broken(path: Path, error: Exception) -> UserError:
    """Return what to tell of a file that cannot be read for this `error`."""
    if isinstance(error, OSError) and error.strerror:  # of the system; what decoders raise has no number
        return UserError(f"{path}: cannot be read ({error.strerror}): put the file back")
    unknown = isinstance(error, UnidentifiedImageError)
    reason = "no known image format" if unknown else " ".join(str(error).split())
    return UserError(f"{path}: broken image ({reason}): replace or remove it")


@contextmanager
def _opened(path: Path, source: bytes | Path) -> Iterator[Image.Image]:
    """Yield the image; whatever its broken bytes lead the decoders to raise in the block becomes a UserError."""
    Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = _LARGEST, _LONGEST_TEXT
    PngImagePlugin.MAX_TEXT_MEMORY = 4 * _LONGEST_TEXT
    try:
        with Image.open(BytesIO(source) if isinstance(source, bytes) else source) as image:
            yield image
    except UserError:
        raise
    except Exception as error:
        raise broken(path, error) from error


def _upright(image: Image.Image) -> Image.Image:
    """Return the image turned as its EXIF says. Raises what its decoder does."""
    image.load()  # which turns a TIFF already, and then its EXIF says no more of it
    turn = _TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _upright_size(image: Image.Image) -> Size:
    width, height = image.size
    if image.format == "TIFF":
        return height, width  # Pillow says it as it will be upright
    turned = max(image.size) <= LARGEST_OWN_SIZE and width != height and _orientation(image) in _TURNED
    return (width, height) if turned else (height, width)


def _orientation(image: Image.Image) -> int:
    """Return what the EXIF says, as far as it is whole; 1, upright, where it does not say."""
    with suppress(Exception):
        found = image.getexif().get(_ORIENTATION)
        return found if isinstance(found, int) else 1
    return 1

"""How does an image file become pixels of the wanted size?"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError
from torch import Tensor

from nas.core.errors import UserError
from nas.data.pixels import Look, Ranges, depth_of, look, to_rgb

_NOT_PICTURES = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}  # formats that Pillow knows of and cannot draw by itself
_LARGEST = 2**29  # pixels of an image; Pillow itself takes 89 million for an attack, and twice as many for an error
_LONGEST_TEXT = 2**28  # bytes of a text in a PNG; Pillow's 1 MB is less than what some programs write about an image
_PNG = b"\x89PNG\r\n\x1a\n"
_NAMED = 5  # broken files that are told by name
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
Item = TypeVar("Item")
Result = TypeVar("Result")


@cache
def suffixes() -> frozenset[str]:
    """The endings, in lower case, of the files that Pillow reads as images."""
    Image.init()
    readable = {form for form in Image.OPEN if form not in _NOT_PICTURES}
    mpo = {".mpo"}  # photographs of some cameras, which Pillow reads as JPEG and does not register by themselves
    return frozenset(suffix for suffix, form in Image.registered_extensions().items() if form in readable) | mpo


def decode(path: Path, size: Size, content: bytes | None = None, ranges: Ranges | None = None) -> Tensor:
    """An image file as RGB, uint8 [3, height, width], upright by its EXIF orientation, on white where transparent.

    An image of another size is resized and centre-cropped. `content` saves reading the file again. `ranges` are those
    of the data set, which values without a range of their own are scaled by. Raises UserError, naming the file, where
    it is missing or broken, or what its values mean is not known.
    """
    height, width = size
    content = read(path) if content is None else content
    with _opened(path, content) as image:
        if content.startswith(_PNG):  # whose checksums decoding passes over
            Image.open(BytesIO(content)).verify()
        try:
            rgb = to_rgb(_upright(image), depth_of(image), ranges or {})
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        fitted = ImageOps.fit(rgb, (width, height), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(fitted)).permute(2, 0, 1).contiguous()


def look_at(path: Path, content: bytes) -> Look:
    """What is to be known of an image file before it is decoded. Raises UserError as `decode` does."""
    with _opened(path, content) as image:
        return look(image, path)


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
        raise _broken(path, error) from error


def _upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF says. Raises what its decoder does."""
    image.load()  # which turns a TIFF already, and then its EXIF says no more of it
    turn = _TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _orientation(image: Image.Image) -> int:
    """What the EXIF says, as far as it is whole; 1, upright, where it does not say."""
    with suppress(Exception):
        found = image.getexif().get(_ORIENTATION)
        return found if isinstance(found, int) else 1
    return 1


def decode_as(path: Path, shape: tuple[int, int, int], ranges: Ranges | None = None) -> Tensor:
    """An image file as an image of a data set of `shape` (channels, height, width): in grey where that has one channel.

    Raises UserError as `decode` does.
    """
    channels, *size = shape
    pixels = decode(path, (size[0], size[1]), ranges=ranges)
    if channels == 3:
        return pixels
    return torch.from_numpy(np.array(Image.fromarray(pixels.permute(1, 2, 0).numpy()).convert("L"))).unsqueeze(0)


def read(path: Path) -> bytes:
    """The content of a file. Raises UserError, naming it, where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise _broken(path, error) from error


def size_of(files: Iterable[Path], image_size: int | None) -> Size:
    """The height and width that images get: N x N if told, their own if all alike and small, else 64 x 64.

    Reads headers only, and no more than settle it. Raises UserError, naming the file, for a broken one.
    """
    if image_size is not None:
        return image_size, image_size
    default, paths = (LARGEST_OWN_SIZE, LARGEST_OWN_SIZE), list(files)
    common: Size | None = None
    for path in paths:
        try:
            size = _header_size(path)
        except UserError:
            all_in_threads(_load, paths)  # raises one that names the others, too
            raise
        if max(size) > LARGEST_OWN_SIZE or size != (common or size):
            return default
        common = size
    return common or default


def resize(pixels: Tensor, image_size: int | None) -> Tensor:
    """Images already in memory, uint8 [n, 1 or 3, h, w], made N x N as files are; as they are for None."""
    if image_size is None or pixels.shape[2:] == (image_size, image_size):
        return pixels

    def fit(image: Tensor) -> Tensor:
        source = Image.fromarray(image.permute(1, 2, 0).squeeze(2).numpy())
        fitted = ImageOps.fit(source, (image_size, image_size), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(fitted)).view(image_size, image_size, -1).permute(2, 0, 1)

    return torch.stack([fit(image) for image in pixels])


def in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`function` of each item, in order, by one thread a core: decoders let go of the interpreter lock."""
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(function, items))


def all_in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The same. Raises one UserError for all items that `function` raises one for."""

    def tried(item: Item) -> Result | UserError:
        try:
            return function(item)
        except UserError as error:
            return error

    results = in_threads(tried, items)
    errors = [each for each in results if isinstance(each, UserError)]
    if errors:
        more = f"; {len(errors) - _NAMED} more" if len(errors) > _NAMED else ""
        count = f"{len(errors)} images: " if len(errors) > 1 else ""
        raise UserError(count + "; ".join(map(str, errors[:_NAMED])) + more)
    return [each for each in results if not isinstance(each, UserError)]


def cores() -> int:
    """The CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _header_size(path: Path) -> Size:
    with _opened(path, path) as image:
        width, height = image.size
        if image.format == "TIFF":
            return height, width  # Pillow says it as it will be upright
        turned = max(image.size) <= LARGEST_OWN_SIZE and width != height and _orientation(image) in _TURNED
        return (width, height) if turned else (height, width)


def _load(path: Path) -> None:
    with _opened(path, path) as image:
        image.load()


def _broken(path: Path, error: Exception) -> UserError:
    if isinstance(error, OSError) and error.strerror:  # of the system; what decoders raise has no number
        return UserError(f"{path}: cannot be read ({error.strerror}): put the file back")
    unknown = isinstance(error, UnidentifiedImageError)
    reason = "no known image format" if unknown else " ".join(str(error).split())
    return UserError(f"{path}: broken image ({reason}): replace or remove it")

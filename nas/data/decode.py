"""How does an image file become pixels of the wanted size?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from nas.errors import UserError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".ppm", ".tif", ".tiff"})
LARGEST_OWN_SIZE = 64  # pixels a side; what is larger, or of several sizes, becomes 64 x 64 unless told
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)  # the EXIF tag, and its values that swap height and width

Size = tuple[int, int]  # height, width
Item = TypeVar("Item")
Result = TypeVar("Result")


def decode(path: Path, size: Size, content: bytes | None = None) -> Tensor:
    """An image file as RGB, uint8 [3, height, width], upright by its EXIF orientation.

    An image of another size is resized and centre-cropped. `content` saves reading the file again. Raises
    UserError, naming the file, where it is missing or broken.
    """
    height, width = size
    source = BytesIO(read(path) if content is None else content)
    try:
        with Image.open(source) as image:
            rgb = _to_rgb(ImageOps.exif_transpose(image))
        fitted = ImageOps.fit(rgb, (width, height), Image.Resampling.BILINEAR)
    except Exception as error:  # decoders raise whatever the broken bytes lead them to
        raise _broken(path, error) from error
    return torch.from_numpy(np.array(fitted)).permute(2, 0, 1).contiguous()


def decode_as(path: Path, shape: tuple[int, int, int]) -> Tensor:
    """An image file as an image of a data set of `shape` (channels, height, width): in grey where that has one channel.

    Raises UserError as `decode` does.
    """
    channels, *size = shape
    pixels = decode(path, (size[0], size[1]))
    if channels == 3:
        return pixels
    return torch.from_numpy(np.array(Image.fromarray(pixels.permute(1, 2, 0).numpy()).convert("L"))).unsqueeze(0)


def read(path: Path) -> bytes:
    """The content of a file. Raises UserError, naming it, where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}): put the file back") from error


def size_of(files: Iterable[Path], image_size: int | None) -> Size:
    """The height and width that images get: N x N if told, their own if all alike and small, else 64 x 64.

    Reads headers only, and no more than settle it. Raises UserError, naming the file, for a broken one.
    """
    if image_size is not None:
        return image_size, image_size
    default = (LARGEST_OWN_SIZE, LARGEST_OWN_SIZE)
    common: Size | None = None
    for path in files:
        size = _header_size(path)
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


def cores() -> int:
    """The CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a pixel, of which Pillow would clip all above 255 to white
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # the detour that Pillow asks for, with a warning
    return image.convert("RGB")


def _header_size(path: Path) -> Size:
    try:
        with Image.open(path) as image:
            width, height = image.size
            if max(image.size) > LARGEST_OWN_SIZE or width == height:
                return height, width  # its orientation would change nothing
            return (width, height) if image.getexif().get(_ORIENTATION) in _TURNED else (height, width)
    except Exception as error:  # as in decode
        raise _broken(path, error) from error


def _broken(path: Path, error: Exception) -> UserError:
    unknown = isinstance(error, UnidentifiedImageError)
    reason = "no known image format" if unknown else " ".join(str(error).split())
    return UserError(f"{path}: broken image ({reason}): replace or remove it")

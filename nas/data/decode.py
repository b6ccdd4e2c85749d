"""How does an image file become a tensor of the wanted size?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from nas.data import picture
from nas.data.picture import Size
from nas.data.pixels import Ranges


def decode(path: Path, size: Size, content: bytes | None = None, ranges: Ranges | None = None) -> Tensor:
    """Return what `nas.data.picture.pixels` does, uint8 [3, height, width]. Raises UserError as that does."""
    return torch.from_numpy(picture.pixels(path, size, content, ranges))


def decode_as(path: Path, shape: tuple[int, int, int], ranges: Ranges | None = None) -> Tensor:
    """An image file as an image of a data set of `shape` (channels, height, width): in grey where that has one channel.

    Raises UserError as `decode` does.
    """
    channels, *size = shape
    pixels = decode(path, (size[0], size[1]), ranges=ranges)
    if channels == 3:
        return pixels
    return torch.from_numpy(np.array(Image.fromarray(pixels.permute(1, 2, 0).numpy()).convert("L"))).unsqueeze(0)


def resize(pixels: Tensor, image_size: int | None) -> Tensor:
    """Images already in memory, uint8 [n, 1 or 3, h, w], made N x N as files are; as they are for None."""
    if image_size is None or pixels.shape[2:] == (image_size, image_size):
        return pixels

    def fit(image: Tensor) -> Tensor:
        source = Image.fromarray(image.permute(1, 2, 0).squeeze(2).numpy())
        fitted = ImageOps.fit(source, (image_size, image_size), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(fitted)).view(image_size, image_size, -1).permute(2, 0, 1)

    return torch.stack([fit(image) for image in pixels])

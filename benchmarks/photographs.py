"""What stands in for ImageNet where it cannot be had? JPEGs of its sizes, in its layout, that a network can tell apart.

Colours that go over the picture, waves whose angle and width belong to the class, and the grain of a sensor: as files
they are as large, and as slow to decode, as photographs.
"""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WIDTH, HEIGHT, QUALITY = 500, 375, 92  # most of ImageNet's images are so large; every fourth stands upright
GRAIN = 10.0  # standard deviation of the noise, in steps of a pixel value
Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def make_tree(root: Path, images: int, validation: int = 200, classes: int = 10) -> None:
    """Write train/CLASS and val/CLASS below `root`, so many images in all of each; always the same ones."""
    draw = np.random.default_rng(0)
    for part, count in (("train", images), ("val", validation)):
        for label in range(classes):
            (root / part / f"n{label:08d}").mkdir(parents=True)
        for number in range(count):
            label = number % classes
            file = root / part / f"n{label:08d}" / f"n{label:08d}_{number:06d}.JPEG"
            size = (WIDTH, HEIGHT) if number // classes % 4 else (HEIGHT, WIDTH)
            Image.fromarray(_photograph(draw, label / classes, size)).save(file, quality=QUALITY)


def _photograph(draw: np.random.Generator, place: float, size: tuple[int, int]) -> Pixels:
    """Return an image, uint8 [height, width, 3], of the class at this `place` in 0 .. 1 among all."""
    width, height = size
    rough = Image.fromarray(draw.integers(40, 216, (6, 8, 3), dtype=np.uint8))
    colours = np.asarray(rough.resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    angle = np.pi * (place + draw.normal(0, 0.02))
    across = np.arange(width) * np.cos(angle) + np.arange(height)[:, None] * np.sin(angle)
    waves = 30 * np.sin(across / (4 + 12 * place) + draw.uniform(0, 2 * np.pi))
    grain = draw.standard_normal((height, width), dtype=np.float32) * GRAIN
    return np.clip(colours + (waves + grain)[..., None], 0, 255).astype(np.uint8)

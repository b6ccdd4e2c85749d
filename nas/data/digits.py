"""What are the two digit data sets that come with scikit-learn and need no download?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from nas.data.decode import resize
from nas.data.folds import set_aside
from nas.data.images import Images, resident

CLASSES = tuple("0123456789")
FIXED_SEED = 0  # of the test part and the backgrounds: both belong to the data, not to a run
SIDE = 16  # pixels of a digit blended with a photograph


def load(name: str, part: str, image_size: int | None, resident_bytes: int | None) -> Images:
    """`digits` (1x8x8) or `digits-m` (3x16x16), a fifth of either as its test part; always in memory."""
    digits, labels = _digits()
    train, test = set_aside(labels, FIXED_SEED)
    numbers = train if part == "train" else test
    pixels = digits[numbers].unsqueeze(1)
    if name == "digits-m":
        pixels = _blend(pixels, _backgrounds(len(digits))[numbers])
    return resident(name, part, CLASSES, resize(pixels, image_size), labels[numbers])


def files_of(name: str, part: str) -> tuple[Path, ...]:
    """None: it is always in memory."""
    return ()


def _digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    return torch.from_numpy(images), torch.from_numpy(bunch.target).long()


def _blend(digits: Tensor, backgrounds: Tensor) -> Tensor:
    """The absolute difference of digit and background by channel, as in MNIST-M (Ganin et al. 2016)."""
    large = np.stack([np.array(_enlarged(digit)) for digit in digits[:, 0].numpy()]).astype(np.int16)
    return (torch.from_numpy(large).unsqueeze(1) - backgrounds).abs().to(torch.uint8)


def _enlarged(digit: np.ndarray) -> Image.Image:
    return Image.fromarray(digit).resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def _backgrounds(count: int) -> Tensor:
    """Patches of scikit-learn's two photographs, uint8 [count, 3, 16, 16], one for each digit."""
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images().images
    draw = np.random.RandomState(FIXED_SEED)  # the generator whose stream NumPy promises never to change
    patches = []
    for _ in range(count):
        photograph = photographs[draw.randint(len(photographs))]
        top = draw.randint(photograph.shape[0] - SIDE + 1)
        left = draw.randint(photograph.shape[1] - SIDE + 1)
        patches.append(photograph[top : top + SIDE, left : left + SIDE])
    return torch.from_numpy(np.stack(patches)).permute(0, 3, 1, 2)

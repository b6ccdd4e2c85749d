"""Are the bundled digit data sets what they say, always the same ones, and hard but learnable?"""

import time

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from sklearn.datasets import load_sample_images
from sklearn.linear_model import LogisticRegression

from nas.data import load


@pytest.mark.parametrize(("name", "shape"), [("digits", (1, 8, 8)), ("digits-m", (3, 16, 16))])
def test_shape_classes_and_parts(name: str, shape: tuple[int, int, int]) -> None:
    train, test = load(name), load(name, "test")
    assert (len(train), len(test)) == (1437, 360)
    for images in (train, test):
        assert images.pixels is not None
        assert images.shape == tuple(images.pixels.shape[1:]) == shape
        assert images.pixels.dtype == torch.uint8
        assert images.classes == tuple("0123456789")
        assert torch.bincount(images.labels).min() >= len(images) // 10 - 5
        assert images.holdout == ()


def test_digits_use_the_whole_range_of_bytes() -> None:
    pixels = load("digits").pixels
    assert pixels is not None
    assert (int(pixels.min()), int(pixels.max())) == (0, 255)
    assert len(pixels.unique()) == 17


def test_the_same_digits_on_every_machine() -> None:
    assert load("digits").digest == "abf87d26c91852d695ec920f649c67f3"
    assert load("digits", "test").digest == "35ca79d71fe21da071e786358e140633"


def test_no_seed_of_a_run_moves_digits_m() -> None:
    digests = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)
        digests.append((load("digits-m").digest, load("digits-m", "test").digest))
    assert digests[0] == digests[1]


def test_digits_m_is_the_absolute_difference_of_digit_and_photograph() -> None:
    """Where a digit has no ink the photograph shows; found by that, it accounts for every other pixel."""
    digits, blended = load("digits").pixels, load("digits-m").pixels
    assert digits is not None
    assert blended is not None
    windows = [sliding_window_view(photo, (16, 16), (0, 1)) for photo in load_sample_images().images]
    for number in range(5):
        digit = Image.fromarray(digits[number, 0].numpy()).resize((16, 16), Image.Resampling.BICUBIC)
        ink, seen = np.array(digit, dtype=np.int16), blended[number].numpy()
        blank = ink == 0
        few = tuple(axis[:8] for axis in np.nonzero(blank))  # enough to find it by
        [background] = [
            patch
            for window in windows
            for patch in window[(window[:, :, :, *few] == seen[:, *few]).all((2, 3))]
            if (patch[:, blank] == seen[:, blank]).all()
        ]
        assert (np.abs(background - ink) == seen).all()


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")  # close enough to tell
def test_digits_m_is_harder_than_digits_for_a_linear_model() -> None:
    def accuracy(name: str) -> float:
        train, test = load(name), load(name, "test")
        assert train.pixels is not None
        assert test.pixels is not None
        model = LogisticRegression(max_iter=30, C=0.01)
        model.fit(train.pixels.flatten(1).numpy() / np.float32(64), train.labels.numpy())
        return float(model.score(test.pixels.flatten(1).numpy() / np.float32(64), test.labels.numpy()))

    assert accuracy("digits") > 0.9
    assert accuracy("digits-m") < 0.6


def test_digits_m_is_built_in_a_second() -> None:
    load("digits-m")  # imports are another matter
    start = time.process_time()
    load("digits-m")
    assert time.process_time() - start < 1


def test_digits_in_another_size() -> None:
    assert load("digits", image_size=20).shape == (1, 20, 20)
    assert load("digits-m", image_size=8).shape == (3, 8, 8)

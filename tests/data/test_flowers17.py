"""Does flowers17 come from its archive with Oxford's first split, classes and order?"""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import loadmat, savemat

from nas.core.errors import UserError
from nas.data import sources
from nas.data.flowers17 import CLASSES, Source, load

SPLITS = {"trn1": [1, 81, 1281], "val1": [82, 2], "tst1": [3, 83, 1360]}


def archive(numbers: list[int]) -> bytes:
    """Photographs whose colour tells their number."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for number in numbers:
            image = io.BytesIO()
            size = (20, 20) if number in SPLITS["tst1"] else (90 + number % 7, 100)  # the train part's size counts
            Image.new("RGB", size, (number // 80 * 15, 100, 200)).save(image, "JPEG", quality=95)
            member = tarfile.TarInfo(f"jpg/image_{number:04d}.jpg")
            member.size = image.tell()
            image.seek(0)
            tar.addfile(member, image)
    return buffer.getvalue()


@pytest.fixture
def source(serve) -> Source:
    splits = io.BytesIO()
    savemat(splits, {name: np.array([numbers]) for name, numbers in SPLITS.items()})
    _, splits_md5 = serve.offer("datasplits.mat", splits.getvalue())
    _, images_md5 = serve.offer("17flowers.tgz", archive([n for part in SPLITS.values() for n in part]))
    return Source(serve.url, images_md5, splits_md5)


def test_the_first_official_split(source: Source) -> None:
    train = load("flowers17", "train", None, None, source)
    test = load("flowers17", "test", None, None, source)
    assert train.labels.tolist() == [0, 1, 16, 0, 1]
    assert train.holdout == (3, 4)
    assert test.labels.tolist() == [0, 1, 16]
    assert test.holdout == ()
    assert train.shape == test.shape == (3, 64, 64)
    assert len(train.classes) == 17
    assert (train.classes[0], train.classes[16]) == ("daffodil", "pansy")


def test_labels_match_the_photographs(source: Source) -> None:
    train = load("flowers17", "train", 8, None, source)
    assert train.pixels is not None
    assert torch.allclose(train.pixels[:, 0].float().mean((1, 2)), train.labels * 15.0, atol=4)


def test_streamed_photographs_are_the_same(source: Source) -> None:
    kept = load("flowers17", "train", None, None, source)
    streamed = load("flowers17", "train", None, 0, source)
    [(pixels, _)] = streamed.batches(torch.arange(5), 5, "cpu")
    assert kept.pixels is not None
    assert torch.equal(pixels, kept.pixels)
    assert streamed.digest == kept.digest


def test_one_download_serves_for_ever(source: Source, serve) -> None:
    [listed] = [each for each in sources() if each.name == "flowers17"]
    assert not listed.present()
    load("flowers17", "train", None, None, source)
    assert listed.present()
    load("flowers17", "test", None, None, source)
    assert serve.asked == ["/datasplits.mat", "/17flowers.tgz"]


def test_the_train_part_never_reads_a_test_image(source: Source, cache: Path) -> None:
    digest = load("flowers17", "train", None, None, source).digest
    for number in SPLITS["tst1"]:
        (cache / "flowers17" / "images" / "jpg" / f"image_{number:04d}.jpg").write_bytes(b"broken")
    assert load("flowers17", "train", None, None, source).digest == digest
    with pytest.raises(UserError, match=r"image_0003\.jpg: broken image"):
        load("flowers17", "test", None, None, source)


def test_an_interrupted_download_is_told_and_can_be_repeated(source: Source, serve) -> None:
    serve.cut = 9
    with pytest.raises(UserError, match="ended 9 bytes early"):
        load("flowers17", "train", None, None, source)
    serve.cut = 0
    assert len(load("flowers17", "train", None, None, source)) == 5


def test_the_real_splits_hold_every_image_once(flowers: Path) -> None:
    """What the constants rest on: 17 x 80 images, and the sum of Oxford's file."""
    from nas.data.download import fetch

    fetch("http://127.0.0.1:9/unused", Source().splits_md5, flowers / "datasplits.mat")
    splits = loadmat(flowers / "datasplits.mat")
    numbers = np.concatenate([splits[name].ravel() for name in SPLITS])
    assert sorted(numbers.tolist()) == list(range(1, len(CLASSES) * 80 + 1))
    assert [splits[name].size for name in SPLITS] == [680, 340, 340]

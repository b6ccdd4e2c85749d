"""Do torchvision's data sets load from their own file formats, part by part, and fail in one line?"""

import pickle
import socket
import struct
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from nas.core.errors import UserError
from nas.data import load, sources
from nas.data.torchvision_compat import import_torchvision

DRAW = np.random.RandomState(3)
CLOTHES = DRAW.randint(0, 256, (6, 28, 28), dtype=np.uint8)
PHOTOGRAPHS = DRAW.randint(0, 256, (2, 3, 32, 32), dtype=np.uint8)


@pytest.fixture
def fashion(cache: Path) -> Path:
    """Fashion-MNIST in its raw format, six images a part."""
    raw = cache / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for part, images in (("train", CLOTHES), ("t10k", 255 - CLOTHES)):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 2051, 6, 28, 28) + images.tobytes())
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, 6) + bytes(range(6)))
    return raw


@pytest.fixture
def cifar(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CIFAR-10 in its own format, two images a batch; only the sums are replaced."""
    home = cache / "cifar-10-batches-py"
    home.mkdir(parents=True)
    dataset = import_torchvision().datasets.CIFAR10

    def write(name: str, content: object) -> str:
        (home / name).write_bytes(pickle.dumps(content))
        return md5((home / name).read_bytes()).hexdigest()

    batch = {"data": PHOTOGRAPHS.reshape(2, -1), "labels": [7, 1]}
    for batches in ("train_list", "test_list"):
        sums = [[name, write(name, batch)] for name, _ in getattr(dataset, batches)]
        monkeypatch.setattr(dataset, batches, sums)
    meta_md5 = write("batches.meta", {"label_names": list("abcdefghij")})
    monkeypatch.setattr(dataset, "meta", {**dataset.meta, "md5": meta_md5})
    return home


@pytest.fixture
def flowers102(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Flowers102 with six photographs; only the sums are replaced."""
    home = cache / "flowers-102"
    (home / "jpg").mkdir(parents=True)
    for number in range(1, 7):
        size = (20, 20) if number > 4 else (70, 80 + number)  # the train part's size counts
        Image.new("RGB", size, (number * 40, 0, 0)).save(home / "jpg" / f"image_{number:05d}.jpg")
    savemat(home / "imagelabels.mat", {"labels": np.array([[1, 2, 102, 1, 2, 102]])})
    savemat(home / "setid.mat", {"trnid": [[1, 2]], "valid": [[3, 4]], "tstid": [[5, 6]]})
    dataset = import_torchvision().datasets.Flowers102
    files = {
        "image": ("102flowers.tgz", "0" * 32),
        "label": ("imagelabels.mat", md5((home / "imagelabels.mat").read_bytes()).hexdigest()),
        "setid": ("setid.mat", md5((home / "setid.mat").read_bytes()).hexdigest()),
    }
    monkeypatch.setattr(dataset, "_file_dict", files)
    return home


@pytest.mark.usefixtures("fashion")
def test_fashion_mnist() -> None:
    train, test = load("fashion-mnist"), load("fashion-mnist", "test")
    assert train.pixels is not None
    assert test.pixels is not None
    assert np.array_equal(train.pixels.numpy()[:, 0], CLOTHES)
    assert torch.equal(test.pixels, 255 - train.pixels)
    assert train.shape == (1, 28, 28)
    assert train.labels.tolist() == list(range(6))
    assert train.classes[9] == "Ankle boot"
    assert load("fashion-mnist", image_size=14).shape == (1, 14, 14)


def test_the_train_part_of_fashion_mnist_never_reads_a_test_image(fashion: Path) -> None:
    (fashion / "t10k-images-idx3-ubyte").write_bytes(b"broken")
    assert len(load("fashion-mnist")) == 6
    with pytest.raises(UserError, match="fashion-mnist: cannot be downloaded or read") as error:
        load("fashion-mnist", "test")
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("cifar")
def test_cifar10() -> None:
    train, test = load("cifar10"), load("cifar10", "test")
    assert train.pixels is not None
    assert (len(train), len(test)) == (10, 2)
    assert np.array_equal(train.pixels.numpy()[:2], PHOTOGRAPHS)
    assert train.labels.tolist() == [7, 1] * 5
    assert train.shape == (3, 32, 32)
    assert train.classes == tuple("abcdefghij")


def test_the_train_part_of_cifar10_never_reads_a_test_image(cifar: Path) -> None:
    (cifar / "test_batch").write_bytes(b"broken")
    assert len(load("cifar10")) == 10


@pytest.mark.usefixtures("flowers102")
def test_flowers102() -> None:
    train, test = load("flowers102"), load("flowers102", "test")
    assert train.pixels is not None
    assert train.labels.tolist() == [0, 1, 101, 0]
    assert train.holdout == (2, 3)
    assert test.labels.tolist() == [1, 101]
    assert test.holdout == ()
    assert train.shape == test.shape == (3, 64, 64)
    assert len(train.classes) == 102
    reds = train.pixels[:, 0].float().mean((1, 2))
    assert torch.allclose(reds, torch.tensor([40.0, 80, 120, 160]), atol=4)
    assert load("flowers102", resident_bytes=0).digest == train.digest


def test_the_train_part_of_flowers102_never_reads_a_test_image(flowers102: Path) -> None:
    (flowers102 / "jpg" / "image_00005.jpg").write_bytes(b"broken")
    assert len(load("flowers102")) == 4


@pytest.mark.usefixtures("fashion", "cifar", "flowers102")
def test_what_is_there_is_listed_as_present() -> None:
    assert {each.name for each in sources() if each.present()} >= {"flowers102", "cifar10", "fashion-mnist"}


@pytest.mark.parametrize("name", ["flowers102", "cifar10", "fashion-mnist"])
def test_a_failed_download_is_one_line(
    name: str, serve, cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    datasets = import_torchvision().datasets
    monkeypatch.setattr(datasets.Flowers102, "_download_url_prefix", serve.url)
    monkeypatch.setattr(datasets.CIFAR10, "url", serve.url + "none.tar.gz")
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [serve.url])
    socket.setdefaulttimeout(77)
    try:
        with pytest.raises(UserError) as error:
            load(name)
        assert socket.getdefaulttimeout() == 77
    finally:
        socket.setdefaulttimeout(None)
    assert str(error.value).startswith(f"{name}: cannot be downloaded or read (")
    assert "404" in str(error.value)
    assert str(cache) in str(error.value)
    assert "\n" not in str(error.value)
    assert capfd.readouterr().out == ""

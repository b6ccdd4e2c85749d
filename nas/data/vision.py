"""Which data sets come through torchvision, and how do they become Images?"""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from nas.core.errors import UserError
from nas.data.decode import resize
from nas.data.download import TIMEOUT, cache_dir
from nas.data.files import Files, from_files
from nas.data.images import Images, resident
from nas.data.torchvision_compat import import_torchvision


def load(name: str, part: str, image_size: int | None, resident_bytes: int | None) -> Images:
    """`flowers102`, `cifar10` or `fashion-mnist`, downloaded on first use; the last two always in memory.

    Raises UserError for a download that fails and for files that are broken.
    """
    if name == "flowers102":
        return _flowers102(name, part, image_size, resident_bytes)
    read = {"cifar10": _cifar10, "fashion-mnist": _fashion_mnist}[name]
    pixels, labels, classes = read(name, part)
    return resident(name, part, classes, resize(pixels, image_size), labels)


def files_of(name: str, part: str) -> list[Path]:
    """The files of the train or test part; none of a data set that is always in memory, which can be read then."""
    if name != "flowers102":
        load(name, part, None, None)
        return []
    splits = ("test",) if part == "test" else ("train", "val")
    opened = (_opened(name, import_torchvision().datasets.Flowers102, split=split) for split in splits)
    return [file for split in opened for file in split._image_files]


def _flowers102(name: str, part: str, image_size: int | None, resident_bytes: int | None) -> Images:
    """The official parts: train with val as its holdout, or test."""
    dataset = import_torchvision().datasets.Flowers102
    train, validation, test = (_opened(name, dataset, split=split) for split in ("train", "val", "test"))
    chosen = (train, validation) if part == "train" else (test,)
    training: list[Path] = [*train._image_files, *validation._image_files]
    files: list[Path] = [file for split in chosen for file in split._image_files]
    labels: list[int] = [label for split in chosen for label in split._labels]
    holdout = range(len(train), len(files)) if part == "train" else ()
    classes = tuple(dataset.classes)
    return from_files(Files(name, part, classes, files, labels, training, image_size, holdout), resident_bytes)


def _cifar10(name: str, part: str) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    dataset = import_torchvision().datasets.CIFAR10
    # Opening one part, torchvision would read the other one too, for its sum.
    one_part = type("CIFAR10", (dataset,), {"test_list" if part == "train" else "train_list": []})
    opened = _opened(name, one_part, train=part == "train")
    return torch.from_numpy(opened.data).permute(0, 3, 1, 2), torch.tensor(opened.targets), opened.classes


def _fashion_mnist(name: str, part: str) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    opened = _opened(name, import_torchvision().datasets.FashionMNIST, train=part == "train")
    return opened.data.unsqueeze(1), opened.targets, opened.classes


def _opened(name: str, dataset: Callable[..., Any], **which: Any) -> Any:
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # torchvision sets none: a dead network would hang
    try:
        return dataset(cache_dir(), download=True, **which)
    except Exception as error:  # torchvision lets through whatever network, archives and file formats raise
        reason = " ".join(str(error).split())
        cure = f"check the network, or remove or replace what is broken in {cache_dir()}"
        raise UserError(f"{name}: cannot be downloaded or read ({reason}): {cure}") from error
    finally:
        socket.setdefaulttimeout(patience)

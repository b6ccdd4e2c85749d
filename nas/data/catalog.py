"""Which data sets are known by name, and which loader serves a given name or directory?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from nas.core.errors import UserError
from nas.data.download import cache_dir

if TYPE_CHECKING:
    from nas.data.files import Checked
    from nas.data.images import Images
    from nas.data.picture import Assumed
    from nas.data.pixels import Ranges

PARTS = ("train", "test")


@dataclass(frozen=True)
class DataSet:
    """A data set known by name. `module` is the one under nas.data whose `load` serves it."""

    name: str
    description: str
    classes: int
    module: str
    files: tuple[str, ...] = ()  # what a download leaves below the cache directory

    def present(self) -> bool:
        """Whether it loads without a download."""
        return all((cache_dir() / file).exists() for file in self.files)


NAMES = (
    DataSet("digits-m", "handwritten digits blended with photographs, 3x16x16, bundled", 10, "digits"),
    DataSet("digits", "handwritten digits, 1x8x8, bundled", 10, "digits"),
    DataSet(
        "flowers17", "Oxford's 17 flower categories, photographs, 60 MB", 17, "flowers17",
        ("flowers17/images", "flowers17/datasplits.mat"),
    ),
    DataSet(
        "flowers102", "Oxford's 102 flower categories, photographs, 345 MB", 102, "vision",
        ("flowers-102/jpg", "flowers-102/imagelabels.mat", "flowers-102/setid.mat"),
    ),
    DataSet(
        "cifar10", "small photographs of ten kinds, 3x32x32, 170 MB", 10, "vision",
        ("cifar-10-batches-py/data_batch_5", "cifar-10-batches-py/test_batch"),
    ),
    DataSet(
        "fashion-mnist", "pieces of clothing, 1x28x28, 30 MB", 10, "vision",
        ("FashionMNIST/raw/train-images-idx3-ubyte", "FashionMNIST/raw/t10k-labels-idx1-ubyte"),
    ),
)  # fmt: skip


def load(
    name: str,
    part: str = "train",
    image_size: int | None = None,
    *,
    resident_bytes: int | None = None,
    decoders: int = 0,
) -> Images:
    """One part of a data set, by a known name or by the directory of an image folder.

    `image_size` N makes the images N x N pixels. Without it they keep their own size, but photographs that
    differ in size or have more than 64 pixels a side become 64 x 64. Image files that need more memory than
    `resident_bytes` once decoded (default: a quarter of what the host has available) are not kept but decoded
    on access, by so many processes as `decoders`. The train part is made without reading a pixel of the test part.

    Raises UserError for an unknown name, part or size, and for data that are missing or broken.
    """
    if part not in PARTS:
        raise UserError(f"unknown part {part!r} of a data set: give train or test")
    if image_size is not None and image_size < 1:
        raise UserError(f"image size {image_size} is too small: give at least 1 pixel")
    loader = cast("Callable[..., Images]", _module(name).load)
    return replace(loader(name, part, image_size, resident_bytes), decoders=decoders)


def check_test_part(name: str, ranges: Ranges | None = None, assumed: Assumed | None = None) -> Checked:
    """What is known of the image files in the test part; nothing where it is no files.

    Every file is decoded, and nothing else made of it; only a sample of them where of the train part no more is known
    than is `assumed`. Raises UserError, naming the files, where some are broken, or have values that `ranges`, those of
    the train part, say nothing of.
    """
    from nas.data.files import check
    from nas.data.survey import sampled

    paths = _module(name).files_of(name, "test")
    return check(sampled(paths) if assumed else paths, ranges, assumed and replace(assumed, size=None))


def read_training(name: str) -> None:
    """Read and decode every image file of the train part; what is known of many is remembered, and `load` goes by it.

    Raises UserError, naming the files, for those that are missing or broken, or where nothing can be remembered.
    """
    from nas.data.files import check
    from nas.data.survey import is_large, read_all, remembered

    paths = _module(name).files_of(name, "train")
    if not paths:
        return
    found = read_all(name, paths)
    check(paths, found.ranges, title=f"decoding all images of {name}")
    if is_large(paths) and found.stamps and not remembered(found.stamps):
        raise UserError(f"{cache_dir()} cannot be written to: set NAS_DATA_DIR to a directory that can")


def _module(name: str) -> ModuleType:
    known = {data_set.name: data_set for data_set in NAMES}
    if name not in known and not Path(name).is_dir():
        raise UserError(f"unknown data set {name!r}: give a directory or one of {', '.join(known)}")
    return import_module(f"nas.data.{known[name].module if name in known else 'folder'}")

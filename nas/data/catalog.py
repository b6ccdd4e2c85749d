"""Which data sets are known by name, and which loader serves a given name or directory?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nas.core import parts
from nas.core.errors import UserError
from nas.data.download import cache_dir
from nas.data.source import Source

if TYPE_CHECKING:
    from nas.data.files import Checked
    from nas.data.images import Images
    from nas.data.picture import Assumed
    from nas.data.pixels import Ranges

PARTS = ("train", "test")


def sources() -> list[Source]:
    """Return the data sets that are known by name."""
    return [parts.made("data", name) for name in parts.names("data")]


def load(
    name: str,
    part: str = "train",
    image_size: int | None = None,
    *,
    resident_bytes: int | None = None,
    decoders: int = 0,
    official: bool = False,
) -> Images:
    """One part of a data set, by a known name or by the directory of an image folder.

    `image_size` N makes the images N x N pixels. Without it they keep their own size, but photographs that
    differ in size or have more than 64 pixels a side become 64 x 64. Image files that need more memory than
    `resident_bytes` once decoded (default: a quarter of what the host has available) are not kept but decoded
    on access, by so many processes as `decoders`. The train part is made without reading a pixel of the test part.
    `official`: val/ of a folder without test/ is its test part, and all of train/ its train part.

    Raises UserError for an unknown name, part or size, and for data that are missing or broken.
    """
    if part not in PARTS:
        raise UserError(f"unknown part {part!r} of a data set: give train or test")
    if image_size is not None and image_size < 1:
        raise UserError(f"image size {image_size} is too small: give at least 1 pixel")
    return replace(_source(name, official).load(part, image_size, resident_bytes), decoders=decoders)


def official_test_part(name: str) -> str:
    """Return in words what the `official` test part of a data set is. Raises UserError as `load` does."""
    return _source(name, official=True).test_part()


def is_apart(name: str) -> bool:
    """Return whether the `official` test part is another than the usual one. Raises UserError as `load` does."""
    return _source(name, official=True).test_part() != _source(name).test_part()


def check_test_part(
    name: str, ranges: Ranges | None = None, assumed: Assumed | None = None, official: bool = False
) -> Checked:
    """What is known of the image files in the test part, `official` or not; nothing where it is no files.

    Every file is decoded, and nothing else made of it; only a sample of them where of the train part no more is known
    than is `assumed`. Raises UserError, naming the files, where some are broken, or have values that `ranges`, those of
    the train part, say nothing of.
    """
    from nas.data.files import check
    from nas.data.survey import sampled

    paths = _source(name, official).files_of("test")
    return check(sampled(paths) if assumed else paths, ranges, assumed and replace(assumed, size=None))


def read_training(name: str, official: bool = False) -> None:
    """Read and decode every image file of the train part; what is known of many is remembered, and `load` goes by it.

    Raises UserError, naming the files, for those that are missing or broken, or where nothing can be remembered.
    """
    from nas.data.files import check
    from nas.data.survey import is_large, read_all, remembered

    paths = _source(name, official).files_of("train")
    if not paths:
        return
    found = read_all(name, paths)
    check(paths, found.ranges, title=f"decoding all images of {name}")
    if is_large(paths) and found.stamps and not remembered(found.stamps):
        raise UserError(f"{cache_dir()} cannot be written to: set NAS_DATA_DIR to a directory that can")


def _source(name: str, official: bool = False) -> Source:
    """Return the data set of that name, or the folder at that path. Raises UserError where there is neither."""
    known = parts.names("data")
    if name not in known and not Path(name).is_dir():
        raise UserError(f"unknown data set {name!r}: give a directory or one of {', '.join(known)}")
    folder = {"name": "folder", "path": name, "official": official}
    found: Source = parts.made("data", name if name in known else folder)
    return found

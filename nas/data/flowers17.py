"""What is `flowers17`, and how does it come from Oxford's archive and official splits?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nas.data.download import cache_dir, fetch, unpack
from nas.data.files import Files, from_files
from nas.data.images import Images

CLASSES = (
    "daffodil", "snowdrop", "lily valley", "bluebell", "crocus", "iris", "tigerlily", "tulip", "fritillary",
    "sunflower", "daisy", "colts' foot", "dandelion", "cowslip", "buttercup", "windflower", "pansy",
)  # fmt: skip
PER_CLASS = 80  # images in a row, image_0001.jpg onwards


@dataclass(frozen=True)
class Source:
    """Where the data set comes from, and the MD5 sums of its two files."""

    url: str = "https://www.robots.ox.ac.uk/~vgg/data/flowers/17/"
    images_md5: str = "b59a65d8d1a99cd66944d474e1289eab"
    splits_md5: str = "4828cddfd0d803c5abbdebcb1e148a1e"


def load(
    name: str, part: str, image_size: int | None, resident_bytes: int | None, source: Source | None = None
) -> Images:
    """Official split 1: trn1 with val1 as its holdout, or tst1; downloaded on first use.

    Raises UserError for a download that fails, and for a missing or broken image.
    """
    numbers = _official_split(source or Source())
    train = numbers["trn1"] + numbers["val1"]
    chosen = train if part == "train" else numbers["tst1"]
    holdout = range(len(numbers["trn1"]), len(train)) if part == "train" else ()
    labels = [(number - 1) // PER_CLASS for number in chosen]
    paths, training = list(map(_file, chosen)), list(map(_file, train))
    return from_files(Files(name, part, CLASSES, paths, labels, training, image_size, holdout), resident_bytes)


def files_of(name: str, part: str) -> list[Path]:
    """The files of the train or test part."""
    numbers = _official_split(Source())
    return list(map(_file, numbers["tst1"] if part == "test" else numbers["trn1"] + numbers["val1"]))


def _official_split(source: Source) -> dict[str, list[int]]:
    """Image numbers, ascending, by the splits' names; the images are in the cache afterwards."""
    from scipy.io import loadmat

    home = cache_dir() / "flowers17"
    fetch(f"{source.url}datasplits.mat", source.splits_md5, home / "datasplits.mat")
    if not (home / "images").exists():
        fetch(f"{source.url}17flowers.tgz", source.images_md5, home / "17flowers.tgz")
        unpack(home / "17flowers.tgz", home / "images")
    splits = loadmat(home / "datasplits.mat")
    return {key: sorted(splits[key].ravel().tolist()) for key in ("trn1", "val1", "tst1")}


def _file(number: int) -> Path:
    return cache_dir() / "flowers17" / "images" / "jpg" / f"image_{number:04d}.jpg"

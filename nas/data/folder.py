"""How does a directory of class folders become a data set?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from nas.data.decode import SUFFIXES, size_of
from nas.data.files import from_files
from nas.data.folds import set_aside
from nas.data.images import Images
from nas.errors import UserError

FIXED_SEED = 0  # of a test part set aside from train/: it must be the same one for every run


@dataclass(frozen=True)
class Listing:
    """Files with their labels, class by class in the classes' order."""

    files: tuple[Path, ...]
    labels: tuple[int, ...]

    def __add__(self, other: Listing) -> Listing:
        return Listing(self.files + other.files, self.labels + other.labels)

    def pick(self, numbers: torch.Tensor) -> Listing:
        chosen = numbers.tolist()
        return Listing(tuple(self.files[n] for n in chosen), tuple(self.labels[n] for n in chosen))


def load(name: str, part: str, image_size: int | None, resident_bytes: int | None) -> Images:
    """The images in the directory `name`: train/CLASS/*.jpg (or .png, ...), and if there val/ and test/.

    val/ joins the train part as its holdout. Without test/ a fixed fifth of train/ is the test part. Both
    parts have the size of the train part's images (see `nas.data.decode.size_of`). Of test/, the train part
    only looks at names. Raises UserError, naming the path, for what is missing, odd or broken.
    """
    root = Path(name)
    classes = _classes(root)
    train, validation, test = _listings(root, classes)
    everything = train + validation
    size = size_of(everything.files, image_size)
    chosen = everything if part == "train" else test
    holdout = range(len(train.files), len(everything.files)) if part == "train" else ()
    return from_files(name, part, classes, chosen.files, chosen.labels, size, holdout, resident_bytes)


def _classes(root: Path) -> tuple[str, ...]:
    if not root.is_dir():
        raise UserError(f"{root}: no such directory: give one that holds train/CLASS/image files")
    if not (root / "train").is_dir():
        raise UserError(f"{root}: no train/ inside: image files are expected in {root}/train/CLASS/")
    classes = _class_names(root / "train")
    if len(classes) < 2:
        found = f"only the class folder {classes[0]!r}" if classes else "no class folders"
        raise UserError(f"{root / 'train'}: {found}: at least two classes are needed, a folder each")
    return classes


def _listings(root: Path, classes: tuple[str, ...]) -> tuple[Listing, Listing, Listing]:
    """What the train, validation and test parts consist of."""
    train = _listing(root / "train", classes)
    validation = _listing(root / "val", classes) if (root / "val").is_dir() else Listing((), ())
    if (root / "test").is_dir():
        return train, validation, _listing(root / "test", classes)
    for label, class_name in enumerate(classes):
        if train.labels.count(label) < 2:
            place = root / "train" / class_name
            raise UserError(f"{place}: only one image, and without {root}/test/ one is set aside: add images")
    rest, aside = set_aside(torch.tensor(train.labels), FIXED_SEED)
    return train.pick(rest), validation, train.pick(aside)


def _listing(directory: Path, classes: tuple[str, ...]) -> Listing:
    found = _class_names(directory)
    if found != classes:
        missing, extra = sorted(set(classes) - set(found)), sorted(set(found) - set(classes))
        lacks = f" lacks {', '.join(missing)}" if missing else ""
        adds = f" adds {', '.join(extra)}" if extra else ""
        raise UserError(f"{directory}: not the classes of train/:{lacks}{adds}: make them the same")
    per_class = [_image_files(directory / class_name) for class_name in classes]
    labels = tuple(label for label, files in enumerate(per_class) for _ in files)
    return Listing(tuple(file for files in per_class for file in files), labels)


def _class_names(directory: Path) -> tuple[str, ...]:
    return tuple(sorted(entry.name for entry in directory.iterdir() if entry.is_dir() and _visible(entry)))


def _image_files(directory: Path) -> list[Path]:
    files = sorted(p for p in directory.iterdir() if p.suffix.lower() in SUFFIXES and _visible(p))
    if not files:
        suffixes = ", ".join(sorted(SUFFIXES))
        raise UserError(f"{directory}: no image files ({suffixes}): add some or remove the folder")
    return files


def _visible(path: Path) -> bool:
    return not path.name.startswith(".")  # what tools leave behind: .ipynb_checkpoints, ._image.jpg

"""Which classes do ImageNet's validation images have, which come flat, in one folder, with a list of classes beside?

That of the challenge's development kit, as extracted from its archive, or Kaggle's table.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from nas.core.errors import UserError
from nas.data.listing import Listing, check_classes, class_names, image_names
from nas.data.paths import Paths

_VALIDATION, _TEST = (re.compile(rf"ILSVRC2012_{part}_(\d{{8}})\.\w+", re.IGNORECASE) for part in ("val", "test"))
_DEVKIT, _TRUTH, _META = "ILSVRC2012_devkit", "ILSVRC2012_validation_ground_truth.txt", "meta.mat"
_KAGGLE = "LOC_val_solution.csv"
_WANTED = "the extracted ILSVRC2012_devkit_t12/, or Kaggle's LOC_val_solution.csv"

ClassOf = Callable[[str], str]  # of the file of an image


def is_validation(directory: Path) -> bool:
    """Return whether these are ImageNet's validation images, as they come."""
    return _is_flat(directory, _VALIDATION)


def is_unlabelled(directory: Path) -> bool:
    """Return whether these are ImageNet's test images, whose classes were never published."""
    return _is_flat(directory, _TEST)


def listing(directory: Path, classes: tuple[str, ...]) -> Listing:
    """Return the images in `directory`, class by class; their classes are told in it or in the folder it lies in.

    It is the listing that the same images in class folders have, but for their folders. Raises UserError, in a line,
    for a list of classes that is missing, broken or of other images, and for classes that are not those of train/.
    """
    names = image_names(directory)
    if others := [name for name in names if not _VALIDATION.fullmatch(name)]:
        raise UserError(f"{directory / others[0]}: not called as the validation images of ImageNet beside it: move it")
    class_of = _read(directory, len(names))
    found = [class_of(name) for name in names]
    check_classes(directory, sorted(set(found)), classes)
    labels = {name: label for label, name in enumerate(classes)}
    ordered = sorted((labels[name], file) for name, file in zip(found, names, strict=True))
    return Listing(Paths([f"{directory}{os.sep}{file}" for _, file in ordered]), [label for label, _ in ordered])


def _is_flat(directory: Path, name: re.Pattern[str]) -> bool:
    if any(not folder.startswith(_DEVKIT) for folder in class_names(directory)):
        return False
    first = next(iter(image_names(directory)), "")
    return bool(name.fullmatch(first))


def _read(directory: Path, count: int) -> ClassOf:
    """Return what tells the class of each of the `count` images."""
    places = (directory.parent, directory)
    truths = sorted(file for place in places for file in place.glob(f"{_DEVKIT}*/data/{_TRUTH}"))
    tables = [file for place in places if (file := place / _KAGGLE).is_file()]
    if len(truths) > 1:
        raise _refused(truths[1], f"a second list of classes, beside {truths[0]}: keep one of them")
    if truths:
        return _of_devkit(truths[0], count)
    if tables:
        return _of_kaggle(tables[0], count)
    raise _refused(directory, f"which image is of which class is not known: put {_WANTED}, into {directory.parent}")


def _of_devkit(truth: Path, count: int) -> ClassOf:
    lines = _text(truth).split()
    if len(lines) != count:
        raise _refused(truth, f"classes of {len(lines):,} images, and there are {count:,}: put all of them there")
    synsets = _synsets(truth.with_name(_META))
    if unknown := next((line for line in lines if line not in synsets), None):
        raise _refused(truth, f"{unknown!r} is no class of {_META}: replace it")

    def class_of(name: str) -> str:
        number = int(Path(name).stem.rpartition("_")[2])
        if not 1 <= number <= count:
            raise _refused(truth, f"{name} is not in it")
        return synsets[lines[number - 1]]

    return class_of


def _synsets(meta: Path) -> Mapping[str, str]:
    """Return the name of each class that is none of others, such as n01440764, by its number."""
    from scipy.io import loadmat

    if not meta.is_file():
        raise _refused(meta, f"not there: the names of the classes are in it: put {_WANTED}, there whole")
    try:
        found = loadmat(meta, squeeze_me=True)["synsets"]
        return {str(int(each["ILSVRC2012_ID"])): str(each["WNID"]) for each in found if not each["num_children"]}
    except Exception as error:  # whatever a broken file leads the reader to raise
        reason = " ".join(str(error).split())
        raise _refused(meta, f"broken ({type(error).__name__}: {reason}): replace it") from None


def _of_kaggle(table: Path, count: int) -> ClassOf:
    rows = list(csv.reader(_text(table).splitlines()))[1:]  # below the names of the columns
    if len(rows) != count:
        raise _refused(table, f"classes of {len(rows):,} images, and there are {count:,}: put all of them there")
    try:
        known = {image: prediction.split()[0] for image, prediction in rows}
    except (ValueError, IndexError):
        raise _refused(table, "not rows of an image and its class, as in n01440764 1 2 3 4: replace it") from None

    def class_of(name: str) -> str:
        if Path(name).stem not in known:
            raise _refused(table, f"{name} is not in it")
        return known[Path(name).stem]

    return class_of


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _refused(file, f"cannot be read ({error}): replace it") from None


def _refused(file: Path, why: str) -> UserError:
    return UserError(f"{file}: {why}")

"""How does a directory of class folders become a data set?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch

from nas.core.errors import UserError
from nas.data import devkit
from nas.data.files import Files, from_files
from nas.data.folds import set_aside
from nas.data.images import Images
from nas.data.listing import Listing, class_names, left_out, listing
from nas.data.paths import Paths

PARTS = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test", "testing")}
FIXED_SEED = 0  # of a test part set aside from train/: it must be the same one for every run


def load(name: str, part: str, image_size: int | None, resident_bytes: int | None, official: bool = False) -> Images:
    """The images in the directory `name`: train/CLASS/*.jpg (or .png, ...), and if there val/ and test/.

    val/ joins the train part as its holdout. Without test/ a fixed fifth of train/ is the test part; but `official`,
    val/ is, where it is there, as its publishers mean it. Both
    parts have the size of the train part's images (see `nas.data.files`). Of test/, the train part
    only looks at names. Raises UserError, naming the path, for what is missing, odd or broken.
    """
    root = Path(name)
    places, classes = _places(root, official)
    train, validation, test = _listings(places, classes)
    everything = train + validation
    holdout = range(len(train.files), len(everything.files)) if part == "train" else ()
    chosen = everything if part == "train" else test
    unused = _unused(places, root) if part == "train" else ""
    files = Files(
        name, part, classes, chosen.files, chosen.labels, everything.files, image_size, holdout, left_out=unused
    )
    return from_files(files, resident_bytes)


def _unused(places: dict[str, Path], root: Path) -> str:
    """What lies in the folder and is used in no part, in words."""
    sorted_ones = {part: place for part, place in places.items() if not devkit.is_validation(place)}
    trained = [sorted_ones[part] for part in ("train", "val") if part in sorted_ones]
    unused = left_out(trained, root, tuple(places.values()))
    tested = left_out([sorted_ones["test"]]) if "test" in sorted_ones else ""
    return "; ".join(filter(None, [unused, f"in {places['test'].name}/: {tested}" if tested else ""]))


def files_of(name: str, part: str, official: bool = False) -> Sequence[Path]:
    """The files of the train or test part, without reading any. Raises what `load` does."""
    train, validation, test = _listings(*_places(Path(name), official))
    return test.files if part == "test" else (train + validation).files


def test_part(name: str, official: bool = False) -> str:
    """The test part in words. Raises what `load` does."""
    places, _ = _places(Path(name), official)
    return f"{places['test'].name}/" if "test" in places else "the fifth set aside"


def _places(root: Path, official: bool) -> tuple[dict[str, Path], tuple[str, ...]]:
    """The directory of each part that is there, and the classes; `official`, val/ stands in for a missing test/."""
    if not root.is_dir():
        raise UserError(f"{root}: no such directory: give one that holds train/CLASS/image files")
    places = {part: place for part, names in PARTS.items() if (place := _place(root, names))}
    if "train" not in places:
        raise UserError(f"{root}: no train/ inside: image files are expected in {root}/train/CLASS/")
    if "test" in places and devkit.is_unlabelled(places["test"]):
        del places["test"]
    if official and "val" in places and "test" not in places:
        places["test"] = places.pop("val")
    classes = class_names(places["train"])
    if len(classes) < 2:
        found = f"only the class folder {classes[0]!r}" if classes else "no class folders"
        raise UserError(f"{places['train']}: {found}: at least two classes are needed, a folder each")
    return places, classes


def _place(root: Path, names: tuple[str, ...]) -> Path | None:
    """The directory of one of these names, in capitals or not."""
    found = sorted(entry for entry in root.iterdir() if entry.name.lower() in names and entry.is_dir())
    if len(found) > 1:
        both = " and ".join(entry.name for entry in found)
        raise UserError(f"{root}: {both} are both there for one part of the data: keep one, named {names[0]}")
    return found[0] if found else None


def _sorted(place: Path, classes: tuple[str, ...]) -> Listing:
    """The images of a part in class folders, or of ImageNet's flat validation part."""
    return devkit.listing(place, classes) if devkit.is_validation(place) else listing(place, classes)


def _listings(places: dict[str, Path], classes: tuple[str, ...]) -> tuple[Listing, Listing, Listing]:
    """What the train, validation and test parts consist of."""
    train = listing(places["train"], classes)
    validation = _sorted(places["val"], classes) if "val" in places else Listing(Paths([]), [])
    if "test" in places:
        return train, validation, _sorted(places["test"], classes)
    counts = Counter(train.labels)
    for label, class_name in enumerate(classes):
        if counts[label] < 2:
            place = places["train"] / class_name
            raise UserError(
                f"{place}: only one image, and without {places['train'].parent}/test/ one is set aside: add images"
            )
    rest, aside = set_aside(torch.tensor(train.labels), FIXED_SEED)
    return train.pick(rest), validation, train.pick(aside)

"""Are ImageNet's validation images, flat as they come, the same as if they were sorted into class folders?"""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from nas.core.errors import UserError
from nas.data import load

CLASSES = ("n01440764", "n01443537")
NUMBERS = {"n01440764": 2, "n01443537": 1}  # of the devkit, which are in another order; 3 is a class of classes
SORTED = {"n01440764": (2, 3, 6), "n01443537": (1, 4, 5)}  # images by class
Make = Callable[..., Path]


@pytest.fixture
def both(make_folder: Make, tmp_path: Path) -> tuple[Path, Path]:
    """The same images with val/ sorted into class folders, and flat."""
    flat = make_folder(("train",), CLASSES, 3).rename(tmp_path / "flat")
    val = make_folder(("val",), CLASSES, 3) / "val"
    (flat / "val").mkdir()
    for name, numbers in SORTED.items():
        for file, number in zip(sorted((val / name).iterdir()), numbers, strict=True):
            file.rename(val / name / f"ILSVRC2012_val_{number:08d}.png")
            shutil.copy(val / name / f"ILSVRC2012_val_{number:08d}.png", flat / "val")
    shutil.copytree(flat / "train", val.parent / "train")
    return val.parent, flat


def write_devkit(place: Path, truth: str = "1 2 2 1 1 2") -> Path:
    """Write what the devkit says; return its folder."""
    data = place / "ILSVRC2012_devkit_t12" / "data"
    data.mkdir(parents=True)
    (data / "ILSVRC2012_validation_ground_truth.txt").write_text("\n".join(truth.split()) + "\n")
    kinds = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("num_children", "O")]
    rows = [(NUMBERS[name], name, "fish", 0) for name in CLASSES] + [(3, "n01429349", "fish of all kinds", 2)]
    savemat(data / "meta.mat", {"synsets": np.array(rows, dtype=kinds)[:, None]})
    return data


def write_kaggle(place: Path, left_out: int = 0) -> None:
    told = [(number, name) for name, numbers in SORTED.items() for number in numbers][left_out:]
    rows = [f"ILSVRC2012_val_{number:08d},{name} 85 1 499 272 {name} 1 2 3 4" for number, name in told]
    (place / "LOC_val_solution.csv").write_text("\n".join(["ImageId,PredictionString", *rows]))


@pytest.mark.parametrize(("write", "place"), [(write_devkit, ""), (write_devkit, "val"), (write_kaggle, "")])
def test_flat_images_are_those_of_class_folders(both: tuple[Path, Path], write: Make, place: str) -> None:
    by_class, flat = both
    write(flat / place)
    for part in ("train", "test"):
        one, other = (load(str(folder), part, official=True) for folder in (by_class, flat))
        assert one.labels.tolist() == other.labels.tolist()
        assert one.digest == other.digest
    assert load(str(by_class)).digest == load(str(flat)).digest
    assert load(str(flat)).notes == load(str(flat), official=True).notes == ()


def test_test_images_without_classes_are_no_test_part(both: tuple[Path, Path]) -> None:
    _, flat = both
    write_kaggle(flat)
    (flat / "test").mkdir()
    shutil.copy(flat / "val" / "ILSVRC2012_val_00000001.png", flat / "test" / "ILSVRC2012_test_00000001.png")
    train = load(str(flat), official=True)
    assert len(load(str(flat), "test", official=True)) == 6
    assert any('"test"' in note for note in train.notes)


def no_list(flat: Path) -> None:
    """Leave it as it comes."""


def of_another_count(flat: Path) -> None:
    write_devkit(flat, "1 2 2 1 1")


def without_names(flat: Path) -> None:
    (write_devkit(flat) / "meta.mat").unlink()


def with_broken_names(flat: Path) -> None:
    (write_devkit(flat) / "meta.mat").write_bytes(b"no matrices")


def of_an_unknown_class(flat: Path) -> None:
    write_devkit(flat, "1 2 2 1 1 7")


def lacking_a_class(flat: Path) -> None:
    write_devkit(flat, "1 1 1 1 1 1")


def of_other_images(flat: Path) -> None:
    write_devkit(flat)
    (flat / "val" / "ILSVRC2012_val_00000001.png").rename(flat / "val" / "ILSVRC2012_val_00000099.png")


def table_of_another_count(flat: Path) -> None:
    write_kaggle(flat, left_out=1)


def beside_a_stranger(flat: Path) -> None:
    write_devkit(flat)
    shutil.copy(flat / "val" / "ILSVRC2012_val_00000001.png", flat / "val" / "me.png")


def with_a_class_more(flat: Path) -> None:
    write_devkit(flat)
    (flat / "train" / CLASSES[0]).rename(flat / "train" / "n00000001")


FAULTS: dict[Callable[[Path], None], str] = {
    no_list: "which image is of which class is not known",
    of_another_count: "classes of 5 images, and there are 6",
    without_names: "meta.mat: not there",
    with_broken_names: "meta.mat: broken",
    of_an_unknown_class: "'7' is no class of meta.mat",
    lacking_a_class: "lacks n01440764",
    of_other_images: "ILSVRC2012_val_00000099.png is not in it",
    table_of_another_count: "classes of 5 images, and there are 6",
    beside_a_stranger: "me.png: not called as",
    with_a_class_more: "lacks n00000001 adds n01440764",
}


@pytest.mark.parametrize("spoil", FAULTS)
def test_what_is_wrong_with_the_list_of_classes_is_told_in_a_line(
    both: tuple[Path, Path], spoil: Callable[[Path], None]
) -> None:
    _, flat = both
    spoil(flat)
    with pytest.raises(UserError, match=FAULTS[spoil]) as error:
        load(str(flat))
    assert "\n" not in str(error.value)

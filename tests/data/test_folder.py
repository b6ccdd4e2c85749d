"""Does an image folder load as it lies there, keep its test part apart, and say what is wrong with it?"""

import os
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from nas.core.errors import UserError
from nas.data import check_test_part, load
from nas.data.files import Checked
from nas.data.remarks import remarks


def complaint(folder: Path, part: str = "train") -> str:
    with pytest.raises(UserError) as error:
        load(str(folder), part)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_real_flowers(flowers: Path) -> None:
    train, test = load(str(flowers)), load(str(flowers), "test")
    assert (len(train), len(test)) == (1020, 340)
    assert train.shape == test.shape == (3, 16, 16)
    assert train.classes == test.classes == tuple(sorted(map(str, range(1, 18))))
    assert torch.bincount(train.labels).tolist() == [60] * 17
    assert torch.bincount(test.labels).tolist() == [20] * 17
    assert train.labels.tolist() == sorted(train.labels.tolist())
    assert (train.holdout, train.part, test.part) == ((), "train", "test")
    assert train.digest != test.digest


def test_images_and_labels_belong_together(make_folder) -> None:
    folder = make_folder(count=1)
    for name, colour in (("cat", (255, 0, 0)), ("dog", (0, 0, 255))):
        Image.new("RGB", (12, 12), colour).save(folder / "train" / name / "0.png")
    images = load(str(folder))
    assert images.pixels is not None
    assert images.classes == ("cat", "dog")
    assert images.labels.tolist() == [0, 1]
    assert images.pixels[:, :, 0, 0].tolist() == [[255, 0, 0], [0, 0, 255]]


def test_val_joins_the_train_part_as_its_holdout(make_folder) -> None:
    folder = make_folder(("train", "val", "test"), count=3)
    images = load(str(folder))
    assert len(images) == 12
    assert images.holdout == (6, 7, 8, 9, 10, 11)
    assert images.labels[list(images.holdout)].tolist() == [0, 0, 0, 1, 1, 1]
    assert load(str(folder), "test").holdout == ()


def test_without_test_a_fixed_fifth_is_set_aside(make_folder) -> None:
    folder = make_folder(("train",), count=10)
    train, test = load(str(folder), resident_bytes=0), load(str(folder), "test", resident_bytes=0)
    assert (len(train), len(test)) == (16, 4)
    assert test.labels.tolist() == [0, 0, 1, 1]
    assert not set(train.files) & set(test.files)
    torch.manual_seed(5)
    assert load(str(folder), "test").digest == test.digest


def test_a_fifth_set_aside_leaves_the_holdout_alone(make_folder) -> None:
    folder = make_folder(("train", "val"), count=5)
    images = load(str(folder))
    assert len(images) == 8 + 10
    assert images.holdout == tuple(range(8, 18))


def test_the_train_part_never_reads_a_test_image(make_folder) -> None:
    folder = make_folder()
    digest = load(str(folder)).digest
    for path in (folder / "test").glob("*/*"):
        path.write_bytes(b"broken")
    assert load(str(folder)).digest == digest
    assert "broken image" in complaint(folder, "test")


def test_the_train_part_alone_settles_the_size(make_folder) -> None:
    folder = make_folder(size=(20, 10))
    assert load(str(folder)).shape == (3, 10, 20)
    for path in (folder / "test").glob("*/*"):
        Image.new("RGB", (90, 50)).save(path)
    assert load(str(folder)).shape == (3, 10, 20)
    assert load(str(folder), "test").shape == (3, 10, 20)


def test_one_image_of_another_size_makes_all_64(make_folder) -> None:
    folder = make_folder()
    Image.new("RGB", (13, 12)).save(folder / "train" / "dog" / "4.png")
    assert load(str(folder)).shape == load(str(folder), "test").shape == (3, 64, 64)


def test_an_asked_size_is_given(make_folder) -> None:
    assert load(str(make_folder()), image_size=9).shape == (3, 9, 9)


def test_what_is_no_image_file_is_passed_over(make_folder) -> None:
    folder = make_folder()
    digest = load(str(folder)).digest
    (folder / "train" / "cat" / "notes.txt").write_text("no image")
    (folder / "train" / "cat" / "._0.png").write_text("no image")
    (folder / "train" / ".cache").mkdir()
    assert load(str(folder)).digest == digest


def test_moving_the_folder_keeps_the_digest_and_changing_an_image_does_not(make_folder, tmp_path: Path) -> None:
    folder = make_folder()
    moved = tmp_path / "elsewhere"
    shutil.copytree(folder, moved)
    assert load(str(moved)).digest == load(str(folder)).digest
    Image.new("RGB", (12, 12)).save(moved / "train" / "cat" / "0.png")
    for limit in (None, 0):
        assert load(str(moved), resident_bytes=limit).digest != load(str(folder)).digest


def test_a_broken_image_is_named(make_folder) -> None:
    folder = make_folder()
    broken = folder / "train" / "dog" / "3.png"
    broken.write_bytes(broken.read_bytes()[:-60])
    assert complaint(folder).startswith(f"{broken}: broken image (")


def test_a_folder_without_train_is_told(tmp_path: Path) -> None:
    expected = f"{tmp_path}: no train/ inside: image files are expected in {tmp_path}/train/CLASS/"
    assert complaint(tmp_path) == expected


def test_an_empty_class_is_named(make_folder) -> None:
    folder = make_folder()
    (folder / "train" / "ant").mkdir()
    (folder / "test" / "ant").mkdir()
    assert complaint(folder).startswith(f"{folder / 'train' / 'ant'}: no image files")


def test_one_class_only_is_told(make_folder) -> None:
    folder = make_folder(classes=("cat",))
    expected = "only the class folder 'cat': at least two classes are needed, a folder each"
    assert complaint(folder) == f"{folder / 'train'}: {expected}"


def test_no_class_at_all_is_told(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    assert complaint(tmp_path).startswith(f"{tmp_path / 'train'}: no class folders")


@pytest.mark.parametrize("part", ["val", "test"])
def test_other_classes_than_train_s_are_named(make_folder, part: str) -> None:
    folder = make_folder(("train", "val", "test"))
    (folder / part / "dog").rename(folder / part / "wolf")
    expected = f"{folder / part}: not the classes of train/: lacks dog adds wolf: make them the same"
    assert complaint(folder) == expected


def test_a_class_too_small_to_set_a_test_image_aside_is_named(make_folder) -> None:
    folder = make_folder(("train",), count=1)
    assert complaint(folder).startswith(f"{folder / 'train' / 'cat'}: only one image, and without")


def pictures(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (12, 12), (len(name), 0, 0)).save(folder / name, format="PNG")


def test_what_lies_beside_the_images_of_a_class_is_told(make_folder) -> None:
    folder = make_folder(count=4)
    digest = load(str(folder)).digest
    assert load(str(folder)).notes == ()
    pictures(folder, "train/cat/more/1.png", "train/cat/more/deep/2.png", "train/dog/x/3.png", "train/loose.png")
    pictures(folder, "unlabeled/1.png", "test-extra/1.png", "train/cat/.hidden.png")
    (folder / "train/cat/notes.txt").write_text("no image")
    (folder / "train/dog/mask.npy").write_bytes(b"")
    (folder / "train/dog/Thumbs.db").write_bytes(b"")
    (note,) = load(str(folder)).notes
    assert note == (
        '8 training images; left out: 3 in sub-folders of "cat", "dog", 1 outside of the class folders, 3 not images, '
        'all in "test-extra", all in "unlabeled"'
    )
    assert load(str(folder)).digest == digest


def test_every_ending_that_pillow_reads_is_an_image(make_folder) -> None:
    folder = make_folder(count=2)
    pictures(folder, "train/cat/a.JFIF", "train/dog/b.jfif", "train/dog/c.TGA")
    assert len(load(str(folder))) == 4 + 3 and load(str(folder)).notes == ()


@pytest.mark.parametrize("name", ["valid", "validation", "Val", "VALIDATION"])
def test_the_validation_part_has_many_names(make_folder, name: str) -> None:
    folder = make_folder(("train", "val", "test"), count=3)
    expected = load(str(folder))
    (folder / "val").rename(folder / name)
    assert (load(str(folder)).holdout, load(str(folder)).digest) == (expected.holdout, expected.digest)


def test_parts_in_capitals_are_taken_and_two_of_one_kind_are_not(make_folder) -> None:
    folder = make_folder()
    expected = load(str(folder), "test").digest
    (folder / "train").rename(folder / "Train")
    (folder / "test").rename(folder / "Testing")
    assert load(str(folder), "test").digest == expected
    (folder / "train").mkdir()
    assert "Train and train are both there for one part" in complaint(folder)


def test_a_class_whose_images_lie_one_folder_deeper_is_told(make_folder) -> None:
    folder = make_folder()
    (folder / "train/ant").mkdir()
    pictures(folder, "train/ant/2024/1.png", "train/ant/2025/2.png", "test/ant/1.png")
    assert complaint(folder).endswith("there are 2 in its sub-folders, move them up")


def test_copies_are_told(make_folder) -> None:
    folder = make_folder(("train", "val", "test"), count=4)
    assert not [line for line in remarks(load(str(folder)), 1, check_test_part(str(folder))) if "cop" in line]
    shutil.copy(folder / "train/cat/0.png", folder / "test/cat/copy.png")
    shutil.copy(folder / "train/cat/0.png", folder / "val/cat/copy.png")
    shutil.copy(folder / "train/cat/1.png", folder / "train/dog/copy.png")
    assert remarks(load(str(folder)), 1, check_test_part(str(folder))) == [
        "1 of 9 test images are exact copies of training images, and prove nothing",
        "1 of 9 validation images are exact copies of training images",
        '1 image is in several classes at once, in "cat" and "dog"',
    ]


def test_that_folds_mix_the_validation_images_is_told(make_folder) -> None:
    images = load(str(make_folder(("train", "val", "test"), count=4)))
    assert remarks(images, 1, Checked()) == []
    (line,) = remarks(images, 3, Checked())
    assert line.startswith("the 8 validation images are mixed with the others in 3 folds")


def test_a_pipe_is_not_waited_for(make_folder) -> None:
    folder = make_folder()
    digest = load(str(folder)).digest
    for part in ("train", "test"):
        os.mkfifo(folder / part / "cat" / "pipe.png")
    assert load(str(folder)).digest == digest and len(load(str(folder), "test")) == 10


def test_what_is_left_out_of_the_test_part_is_told_with_the_rest(make_folder) -> None:
    folder = make_folder()
    (folder / "test" / "cat" / "notes.txt").write_text("no image")
    assert load(str(folder)).notes == ("10 training images; left out: in test/: 1 not images",)
    (folder / "train" / "dog" / "notes.txt").write_text("no image")
    assert load(str(folder)).notes == ("10 training images; left out: 1 not images; in test/: 1 not images",)

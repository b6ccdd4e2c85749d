"""Is a result judged by what its publishers judge by, and does tuning never see that?"""

import pytest
import torch

from nas.core.errors import UserError
from nas.data import load
from nas.training import official
from nas.training.official import JUDGED
from nas.training.pieces import TRAINING
from nas.training.task import ImageTask


def task(data: str) -> ImageTask:
    return ImageTask(data, None, "cnn", 1, 0, 1, "cpu", 1, official=True)


def test_all_of_train_is_trained_on_and_val_judges(make_folder) -> None:
    folder = str(make_folder(("train", "val"), count=5))
    found = official.pieces(folder, None, "cpu")
    assert {name: len(piece) for name, piece in found.items()} == {TRAINING: 10, JUDGED: 10}
    assert (found[TRAINING].images.part, found[JUDGED].images.part) == ("train", "test")
    assert found[TRAINING].indices.tolist() == list(range(10))
    assert official.judged_by(folder) == f"val/ of {folder}"


def test_a_search_sets_a_fifth_of_train_aside_and_never_opens_val(make_folder) -> None:
    folder = make_folder(("train", "val"), count=5)
    for file in folder.glob("val/*/*"):
        file.write_bytes(b"nothing that could be decoded")
    ((training, validation),) = task(str(folder)).splits
    assert len(training) + len(validation) == len(task(str(folder)).images) == 10
    with pytest.raises(UserError, match="val"):
        official.pieces(str(folder), None, "cpu")


def test_a_test_part_judges_where_there_is_one(make_folder) -> None:
    folder = str(make_folder(("train", "val", "test"), count=5))
    found = official.pieces(folder, None, "cpu")
    train, test = load(folder), load(folder, "test")
    assert (found[TRAINING].images.digest, found[JUDGED].images.digest) == (train.digest, test.digest)
    assert official.judged_by(folder) == f"test/ of {folder}"
    assert official.judged_by("digits") == "the test part of digits"


def test_a_folder_that_is_not_asked_about_stays_as_it_is(make_folder) -> None:
    folder = str(make_folder(("train", "val"), count=5))
    assert (len(load(folder)), len(load(folder, "test"))) == (18, 2)
    assert load(folder, official=True).digest != load(folder).digest


def test_streamed_images_are_the_same(make_folder) -> None:
    folder = str(make_folder(("train", "val"), count=2))
    kept, streamed = (official.pieces(folder, None, "cpu", resident_bytes=size)[JUDGED] for size in (None, 0))
    assert streamed.images.pixels is None
    (first,), (second,) = (list(piece.images.batches(piece.indices, 8, "cpu")) for piece in (kept, streamed))
    assert torch.equal(first[0], second[0])

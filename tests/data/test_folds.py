"""Are images split for training and validation evenly, repeatably, and without overlap?"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.core.errors import UserError
from nas.data.folds import splits

SEEDS = st.integers(0, 2**63 - 1)
COUNTS = st.lists(st.integers(5, 30), min_size=2, max_size=6)


def labels_of(counts: list[int]) -> torch.Tensor:
    """So many images of each class, shuffled."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))]


@settings(deadline=None, max_examples=40)
@given(COUNTS, st.integers(2, 5), SEEDS)
def test_every_image_is_validated_on_exactly_once(counts: list[int], folds: int, seed: int) -> None:
    labels = labels_of(counts)
    drawn = splits(labels, folds, seed)
    assert len(drawn) == folds
    assert torch.cat([validation for _, validation in drawn]).sort().values.tolist() == list(range(len(labels)))
    for train, validation in drawn:
        assert torch.cat([train, validation]).sort().values.tolist() == list(range(len(labels)))


@settings(deadline=None, max_examples=40)
@given(COUNTS, st.integers(2, 5), SEEDS)
def test_folds_hold_each_class_evenly(counts: list[int], folds: int, seed: int) -> None:
    labels = labels_of(counts)
    for _, validation in splits(labels, folds, seed):
        for label, count in enumerate(counts):
            assert abs(int((labels[validation] == label).sum()) - count / folds) <= 1


@settings(deadline=None, max_examples=40)
@given(COUNTS, SEEDS)
def test_one_fold_holds_out_a_fifth_of_each_class(counts: list[int], seed: int) -> None:
    labels = labels_of(counts)
    [(train, validation)] = splits(labels, 1, seed)
    assert torch.cat([train, validation]).sort().values.tolist() == list(range(len(labels)))
    for label, count in enumerate(counts):
        assert abs(int((labels[validation] == label).sum()) - count / 5) <= 1


@pytest.mark.parametrize("folds", [1, 3])
def test_numbers_are_ascending_int64(folds: int) -> None:
    for train, validation in splits(labels_of([30, 30]), folds, 0):
        for numbers in (train, validation):
            assert numbers.dtype == torch.int64
            assert numbers.tolist() == sorted(numbers.tolist())


@pytest.mark.parametrize("folds", [1, 3])
def test_the_seed_decides(folds: int) -> None:
    labels = labels_of([30, 30])

    def validation(seed: int) -> list[int]:
        return splits(labels, folds, seed)[0][1].tolist()

    assert validation(2**62 + 11) == validation(2**62 + 11)
    assert validation(2**62 + 11) != validation(2**62 + 12)


def test_one_fold_validates_on_the_official_holdout() -> None:
    [(train, validation)] = splits(labels_of([5, 5]), 1, 0, holdout=(9, 3, 4))
    assert validation.tolist() == [3, 4, 9]
    assert train.tolist() == [0, 1, 2, 5, 6, 7, 8]


def test_more_folds_rotate_through_the_official_holdout_too() -> None:
    labels = labels_of([5, 5])
    assert len(torch.cat([validation for _, validation in splits(labels, 2, 0, holdout=(1, 2))])) == 10


@pytest.mark.parametrize(
    ("counts", "folds", "message"),
    [
        ([9, 9, 9, 2], 5, "class 3 has 2 images, fewer than 5 folds: lower --folds to 2 or add images"),
        ([9, 1], 3, "class 1 has 1 image, fewer than 3 folds: add images"),
        ([9, 1], 1, "class 1 has 1 image, and setting 20 % aside takes 2: add images"),
        ([9, 9], 0, "0 folds: give --folds at least 1"),
    ],
)
def test_impossible_splits_are_told(counts: list[int], folds: int, message: str) -> None:
    with pytest.raises(UserError) as error:
        splits(labels_of(counts), folds, 0)
    assert str(error.value) == message

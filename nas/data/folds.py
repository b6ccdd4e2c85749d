"""Which images is a configuration trained on, and which is it judged on, in each fold?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit
from torch import Tensor

from nas.core.errors import UserError

Split = tuple[Tensor, Tensor]  # numbers of the images to train on and to validate on, int64, ascending
HELD_OUT = 0.2


def splits(labels: Tensor, folds: int, seed: int, holdout: Sequence[int] = ()) -> list[Split]:
    """The splits of images with `labels` (int64 [n]), one for each fold, the same for the same seed.

    One fold: validation is on the official `holdout` where there is one, else on 20 % drawn evenly from the
    classes. More folds: on every image once, the holdout's too. Raises UserError for fewer than one fold and
    for a class with too few images.
    """
    if folds < 1:
        raise UserError(f"{folds} folds: give --folds at least 1")
    if folds > 1:
        _check_classes(labels, folds)
        drawn = StratifiedKFold(folds, shuffle=True, random_state=_seed32(seed)).split(labels, labels)
        return [(_ascending(train), _ascending(validation)) for train, validation in drawn]
    if holdout:
        rest = np.setdiff1d(np.arange(len(labels)), holdout)
        return [(_ascending(rest), _ascending(np.array(holdout)))]
    return [set_aside(labels, seed)]


def set_aside(labels: Tensor, seed: int) -> Split:
    """One split that sets 20 % of the images aside, drawn evenly from the classes, at least one image each.

    Raises UserError for a class with one image only.
    """
    classes, counts = np.unique(labels.numpy(), return_counts=True)
    if counts.min() < 2:
        alone = classes[counts.argmin()]
        raise UserError(f"class {alone} has 1 image, and setting 20 % aside takes 2: add images")
    aside = max(int(np.ceil(len(labels) * HELD_OUT)), len(classes))
    drawing = StratifiedShuffleSplit(1, test_size=aside, random_state=_seed32(seed))
    train, validation = next(drawing.split(labels, labels))
    # The drawing rounds the training side first, which can leave a small class with nothing set aside.
    missed = np.setdiff1d(classes, labels.numpy()[validation])
    moved = [train[labels.numpy()[train] == name][0] for name in missed]
    return _ascending(np.setdiff1d(train, moved)), _ascending(np.concatenate([validation, moved]).astype(np.int64))


def _check_classes(labels: Tensor, folds: int) -> None:
    classes, counts = np.unique(labels.numpy(), return_counts=True)
    smallest, count = classes[counts.argmin()], int(counts.min())
    if count < folds:
        has = "1 image" if count == 1 else f"{count} images"
        cure = "add images" if count == 1 else f"lower --folds to {count} or add images"
        raise UserError(f"class {smallest} has {has}, fewer than {folds} folds: {cure}")


def _seed32(seed: int) -> int:
    return seed % 2**32  # scikit-learn takes no more bits


def _ascending(numbers: np.ndarray) -> Tensor:
    return torch.from_numpy(np.sort(numbers)).long()

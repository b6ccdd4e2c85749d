"""Which images are trained on, and which is a training judged by?"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nas.core.errors import UserError
from nas.core.seeds import seed
from nas.data.images import Images

TRAINING, VALIDATION, HELD_OUT, TEST = "training", "validation", "held-out", "test"


@dataclass(frozen=True)
class Piece:
    """Images that are trained on, or judged by: those of `images` that are numbered `indices`, int64 [n]."""

    images: Images
    indices: Tensor

    def __len__(self) -> int:
        return len(self.indices)


def held_out(training: Piece, share: float, key: tuple[int | str, ...]) -> tuple[Piece, Piece]:
    """Return a share of the training part, drawn by `key`, and the rest. Raises UserError where no rest would be."""
    images, indices = training.images, training.indices
    order = torch.randperm(len(indices), generator=torch.Generator().manual_seed(seed(*key, HELD_OUT)))
    count = max(1, round(share * len(indices)))
    if count >= len(indices):
        raise UserError(f"{share:g} of {len(indices)} training images cannot be held out: none would be left")
    held, rest = (Piece(images, indices[part.sort().values]) for part in (order[:count], order[count:]))
    return held, rest


def set_aside(pieces: Mapping[str, Piece], share: float, key: tuple[int | str, ...]) -> dict[str, Piece]:
    """Return the pieces, where asked for with a share of the training part as "held-out"."""
    if not share:
        return dict(pieces)
    held, rest = held_out(pieces[TRAINING], share, key)
    return {**pieces, TRAINING: rest, HELD_OUT: held}


def withhold(pieces: Mapping[str, Piece], share: float, key: tuple[int | str, ...]) -> dict[str, Piece]:
    """Do the same, but leave those images in the training part, too: they are kept from some of its epochs."""
    return {**pieces, HELD_OUT: held_out(pieces[TRAINING], share, key)[0]} if share else dict(pieces)

"""In which order are images trained on? Another one in each epoch, drawn by key and epoch alone."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from nas.core.seeds import seed
from nas.training.pieces import Piece


@dataclass(frozen=True)
class Order:
    """The order of the `training` images in batches; `held_out` are those that some epochs go without."""

    training: Piece
    held_out: Piece | None
    batch_size: int
    key: tuple[int | str, ...]
    least: int = 2  # images of a last batch; fewer are left out: batch normalisation cannot take a single one

    @cached_property
    def steps(self) -> int:
        """The batches of an epoch."""
        return math.ceil(self._count / self.batch_size)

    def images(self, step: int) -> int:
        """Return how many images a batch has, counted from 0 in the epoch."""
        return min(self.batch_size, self._count - step * self.batch_size)

    @property
    def _count(self) -> int:
        """The images of an epoch."""
        count = len(self.training)
        rest = count % self.batch_size
        return count - rest if rest < min(self.least, count) else count

    def of(self, epoch: int, withheld: bool) -> Tensor:
        """Return the numbers of the images of an epoch, counted from 0, int64 [n]; held-out ones may be `withheld`.

        Then others come twice in their place: an epoch has as many steps as ever.
        """
        indices, draws = self.training.indices, torch.Generator().manual_seed(seed(*self.key, epoch, "order"))
        without = self.held_out.indices if withheld and self.held_out else indices[:0]
        left = indices[~torch.isin(indices, without)]
        orders = [left[torch.randperm(len(left), generator=draws)] for _ in range(math.ceil(len(indices) / len(left)))]
        return torch.cat(orders)[: self._count]

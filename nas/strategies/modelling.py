"""What does a model of a search do? It learns from results which of many possible children are promising."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from nas.core.constraints import Constraint
from nas.core.parts import Part
from nas.core.types import Result

if TYPE_CHECKING:
    from nas.strategies.breeding.genome import Genome

Rows = NDArray[np.float64]  # [configurations, hyperparameters], as a Genome has them
Appeal = Callable[[Rows], NDArray[np.float64]]  # of rows, one number each: the larger, the more promising


@dataclass(frozen=True)
class Sought:
    """What is sought: in which space, after how many epochs, and under which constraints on what training shows."""

    genome: "Genome"
    epochs: int
    constraints: Sequence[Constraint]


class Learned(Protocol):
    """What was learned from some results."""

    @property
    def results(self) -> Sequence[Result]:
        """What it was learned from."""
        ...

    def appeal(self, rng: RandomState, making: Rows) -> Appeal | None:
        """Return what rates rows as the next child, beside those in the `making`; None where it says nothing."""
        ...


@dataclass(frozen=True)
class SearchModel(Part):
    """How children are chosen."""

    def learn(
        self, sought: Sought, results: Collection[Result], seed: int, known: Learned | None = None
    ) -> Learned | None:
        """Return what `results` teach of what is `sought`, or `known` where that is enough.

        They come in the same order whenever the same search gets here. Nothing, unless the model learns.
        """
        return None

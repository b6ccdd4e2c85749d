"""What is believed of configurations on a new task, before and after some of it is seen?"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nas.transfer.past import Past

Floats = NDArray[np.float64]
NONE_OF_THEM = "none of them"  # among the likenesses of old tasks


@dataclass(frozen=True)
class Forecast:
    """What is expected of each configuration at each knot, in units of the metric; 90 % lie between low and high."""

    mean: Floats  # [configurations, knots]
    low: Floats
    high: Floats


class Belief(Protocol):
    """A value: what is seen later makes another one."""

    @property
    def past(self) -> Past:
        """What it was learned from."""
        ...

    def tell(self, candidate: int, knot: int, value: float) -> "Belief":
        """Return the belief of who has seen that best value of `candidate` until the `knot`, counted from 0."""
        ...

    def next(self, chance: Floats | None = None, barred: Collection[int] = ()) -> int | None:
        """Return the candidate whose next knot is worth most; None where all that are not barred are known.

        `chance` [candidates] is the probability that each meets the constraints.
        """
        ...

    def best(self, chance: Floats | None = None) -> int:
        """Return the recommended candidate."""
        ...

    def forecast(self) -> Forecast:
        """Return what is expected of all candidates."""
        ...

    def likeness(self) -> dict[str, float]:
        """Return how probable it is that the new task is like each of the old ones, or like none: in all 1."""
        ...

"""Which number that describes a configuration belongs to which of its hyperparameters?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Layout:
    """`owner` is the number of the hyperparameter that each feature belongs to.

    The first `unordered` ones are those without an order, the next `counts` tell how often choices are taken.
    """

    owner: NDArray[np.intp]
    unordered: int = 0
    counts: int = 0

    @property
    def size(self) -> int:
        """The number of hyperparameters, counts among them."""
        return int(self.owner.max()) + 1

    @property
    def counted(self) -> slice:
        """Which hyperparameters are counts."""
        return slice(self.unordered, self.unordered + self.counts)

"""How far is a recommended configuration from the best one? Each is judged by its best epoch on the new task."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.transfer.database import Floats


def regrets(curves: Floats) -> Floats:
    """Return the normalised regret of each configuration, 0 the best and 1 the worst, of `curves` [N, E]."""
    reached = curves.max(axis=1)
    return np.asarray((reached.max() - reached) / (reached.max() - reached.min()))


def ranks(curves: Floats) -> NDArray[np.int64]:
    """Return how many configurations are better than each, of `curves` [N, E]."""
    reached = curves.max(axis=1)
    return np.asarray((reached[None, :] > reached[:, None]).sum(axis=1))

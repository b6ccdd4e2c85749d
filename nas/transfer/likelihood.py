"""How probable are some values under each component, whatever its shift, stretch and scale?"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from nas.transfer.structure import Shares

Floats = NDArray[np.float64]


def log_student(values: Floats, ones: Floats, centred: Floats, middle: Floats, shares: Shares) -> Floats:
    """Return the log density of whitened `values` for each component, but for the determinant of what whitened them.

    Component m is middle[m] + shift + (1 + stretch) x centred[m], all whitened likewise, with a Gaussian shift and
    stretch. A scale of everything with an inverse gamma prior makes it Student's t (Rasmussen and Williams 2006,
    sections 2.7 and 9.9).
    """
    rest = values - middle[:, None] * ones - centred
    first, second = ones @ ones + shares.shift**-2, (centred**2).sum(axis=1) + shares.stretch**-2
    both = centred @ ones
    along_first, along_second = rest @ ones, (rest * centred).sum(axis=1)
    determinant = first * second - both**2
    explained = (
        second * along_first**2 - 2 * both * along_first * along_second + first * along_second**2
    ) / determinant
    squares = np.maximum((rest**2).sum(axis=1) - explained, 0)
    scale = np.log(determinant) / 2 + np.log(shares.shift) + np.log(shares.stretch)
    freedom, count = shares.freedom, len(values)
    found: Floats = (
        gammaln((freedom + count) / 2) - gammaln(freedom / 2) - count / 2 * np.log(freedom * np.pi)
        - scale - (freedom + count) / 2 * np.log1p(squares / freedom)
    )  # fmt: skip
    return found

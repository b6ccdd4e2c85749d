"""On which scale do values of a metric add up? Shares on that of log odds, others by their spread; more is better."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
_EDGE = 0.005  # added to both sides of the odds: 0 and 1 are not infinitely far


@dataclass(frozen=True)
class Scale:
    """Of shares, such as accuracies, or of values around `middle` that lie about `width` apart."""

    maximize: bool
    share: bool
    middle: float = 0.0
    width: float = 1.0

    @classmethod
    def of(cls, values: Floats, maximize: bool) -> "Scale":
        """Return the scale that suits the known ones of `values`."""
        known = values[np.isfinite(values)]
        if not known.size or (known.min() >= 0 and known.max() <= 1):
            return cls(maximize, True)
        low, middle, high = np.percentile(known, [25, 50, 75])
        return cls(maximize, False, float(middle), float(high - low) or float(np.ptp(known)) or 1.0)

    def to(self, values: Floats) -> Floats:
        """Return `values` on this scale; nan stays nan."""
        if self.share:
            found = np.log((values + _EDGE) / (1 - values + _EDGE))
        else:
            found = (values - self.middle) / self.width
            found = np.sign(found) * np.log1p(np.abs(found))  # a diverged loss is bad, not infinitely bad
        return found if self.maximize else -found

    def back(self, numbers: Floats) -> Floats:
        """Return the values of the metric."""
        numbers = numbers if self.maximize else -numbers
        if self.share:
            share: Floats = expit(numbers)
            return np.clip(share * (1 + 2 * _EDGE) - _EDGE, 0, 1)
        return np.sign(numbers) * np.expm1(np.abs(numbers)) * self.width + self.middle

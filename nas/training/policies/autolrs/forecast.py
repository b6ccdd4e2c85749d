"""What will a loss be that falls like an exponential? Bounded: no loss is below 0, nor above what was seen."""

from collections.abc import Sequence

import numpy as np

_RATES = 40  # of decay that are compared


def forecast(steps: Sequence[float], losses: Sequence[float], until: float) -> float | None:
    """Return the loss at step `until`, from readings at `steps`; None where one of them is no finite number.

    A least-squares fit of a exp(-b x) + c with a, c >= 0, as in Jin et al. 2021 but for the bounds. A loss that rises
    is as it was on average in the end.
    """
    from scipy.optimize import nnls

    x, y = np.asarray(steps, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    if not np.isfinite(y).all():
        return None
    span = max(float(x[-1] - x[0]), 1.0)
    fits = []
    for decay in np.geomspace(0.05, 20, _RATES) / span:
        design = np.stack([np.exp(-decay * (x - x[0])), np.ones_like(x)], axis=1)
        (a, c), residual = nnls(design, y)
        fits.append((residual, a * np.exp(-decay * (until - x[0])) + c))
    return float(np.clip(min(fits)[1], 0.0, y.max()))

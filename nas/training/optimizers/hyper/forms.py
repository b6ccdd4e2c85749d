"""In which form is a hyperparameter learned? Steps are taken on the raw form, which may be any number."""

import math
from collections.abc import Callable
from dataclasses import dataclass

_NEAREST_1 = 1 - 2**-53
_LEAST = 1e-300


@dataclass(frozen=True)
class Form:
    """How the raw form becomes the value, and back, and by how much the value changes with the raw form."""

    value: Callable[[float], float]
    raw: Callable[[float], float]
    slope: Callable[[float], float]  # at a raw form


def _share(raw: float) -> float:
    """Return the logistic function, kept inside 0 .. 1."""
    return min(max((math.tanh(raw / 2) + 1) / 2, _LEAST), _NEAREST_1) if not math.isnan(raw) else raw


def _share_slope(raw: float) -> float:
    return _share(raw) * (1 - _share(raw))


def logit(share: float) -> float:
    """Return the logarithm of the odds."""
    return math.log(share / (1 - share))


AS_IT_IS = Form(lambda raw: raw, lambda value: value, lambda raw: 1.0)
SQUARE = Form(lambda raw: raw * raw, math.sqrt, lambda raw: 2 * raw)
TANH = Form(lambda raw: _share(2 * raw), lambda value: logit(value) / 2, lambda raw: 2 * _share_slope(2 * raw))
LOGARITHM = Form(lambda raw: math.exp(min(raw, 700.0)), math.log, lambda raw: math.exp(min(raw, 700.0)))
LOGIT = Form(_share, logit, _share_slope)

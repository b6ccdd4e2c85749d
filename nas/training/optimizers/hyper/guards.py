"""What keeps a learned rate from going astray? Bounds from the weights themselves, and from what proved to last."""

import math
from dataclasses import dataclass, fields
from typing import Any

_SUSTAINED = 100  # steps over which a rate must have lasted


@dataclass(frozen=True)
class Guards:
    """The numbers of the guarded form. Raises ValueError for one that is negative.

    trust: no step is longer than this share of the norm of the weights
    reach: the learned rate stays below so many times the one that trust allows
    start: it begins at no less than this share of the one that trust allows
    clip: the most that a level moves by, in units of its own rate
    share: by which momentum, betas and gamma move slower than the rate
    span: factor within which all but the rate of the weights stay of where they began, momenta by their odds
    bias: added to the cosine that an SGD level raises the rate by, for what pays at once is less than what pays late
    floor: share of the largest rate that has lasted for 100 steps, below which the learned rate does not fall
    least_rms: weights whose root mean square is below count as having this one
    """

    trust: float = 0.1
    reach: float = 2.0
    start: float = 0.1
    clip: float = 1.0
    share: float = 0.1
    span: float = 10.0
    bias: float = 0.03
    floor: float = 0.03
    least_rms: float = 1e-3

    def __post_init__(self) -> None:
        for each in fields(self):
            if not 0 <= getattr(self, each.name) < math.inf:
                raise ValueError(f"{each.name} is {getattr(self, each.name):g}, but must be at least 0")


def longest(guards: Guards, weights: float, direction: float, count: int) -> float:
    """Return the rate at which a step is as long as trust allows, given norms of `count` weights and of the direction.

    After the layer-wise bounds of You et al. (LARS, 2017); the least root mean square is as in Adafactor (Shazeer and
    Stern, 2018).
    """
    if not direction > 0:
        return math.inf
    return guards.trust * max(weights, guards.least_rms * math.sqrt(count)) / direction


def held(guards: Guards, logarithm: float, group: dict[str, Any], most: float) -> float:
    """Return the logarithm of a learned rate between its bounds, and note in the group how large a rate has lasted."""
    if 0 < most < math.inf and group["factor"] > 0:
        allowed = math.log(most / group["factor"])
        if not group["steps"] and guards.start > 0:
            logarithm = max(logarithm, allowed + math.log(guards.start))
        logarithm = min(logarithm, allowed + math.log(guards.reach))
    if guards.floor > 0:
        logarithm = max(logarithm, group["sustained"] + math.log(guards.floor))
    taken = group["steps"] + 1
    group["mean"] += (logarithm - group["mean"]) / min(taken, _SUSTAINED)
    if taken >= _SUSTAINED:
        group["sustained"] = max(group["sustained"], group["mean"])
    return logarithm

"""Which constraints hold, and by how much are they missed?"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nas.errors import UserError

_FORM = re.compile(r"\s*([A-Za-z_]\w*)\s*(>=|<=)\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*")


@dataclass(frozen=True)
class Constraint:
    """A bound on one metric, cheap or expensive."""

    metric: str
    relation: str
    bound: float

    def __str__(self) -> str:
        whole = float(self.bound).is_integer() and abs(self.bound) < 1e16
        return f"{self.metric}{self.relation}{int(self.bound) if whole else self.bound!r}"

    def miss(self, value: float) -> float:
        """Return by how much `value` misses the bound, divided by the bound; negative when met, inf for NaN."""
        if math.isnan(value):
            return math.inf
        return (self.bound - value if self.relation == ">=" else value - self.bound) / (abs(self.bound) or 1.0)

    def violation(self, value: float) -> float:
        """Return the same, 0 when met."""
        return max(0.0, self.miss(value))


def parse(text: str) -> Constraint:
    """Return the constraint that `text`, such as "precision>=0.39", states. Raises UserError for any other form."""
    match = _FORM.fullmatch(text)
    try:
        if match and math.isfinite(float(match[3])):
            return Constraint(match[1], match[2], float(match[3]))
    except ValueError:
        pass
    raise UserError(f'constraint "{text}" is not of the form METRIC>=BOUND or METRIC<=BOUND, such as precision>=0.39')


def total_violation(constraints: Iterable[Constraint], metrics: Mapping[str, float]) -> float:
    """Return the sum of all violations; a metric that is missing counts as infinitely violated."""
    return sum((c.violation(metrics.get(c.metric, math.nan)) for c in constraints), 0.0)

"""Which constraints hold, and by how much are they missed?"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from nas.core.errors import UserError

_RELATIONS = (">=", "<=")
_FORM = re.compile(r"\s*([^<>=]*[^<>=\s])\s*(>=|<=)\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*")


@dataclass(frozen=True)
class Constraint:
    """A bound on one metric, cheap or expensive. Raises UserError for what bounds nothing."""

    metric: str
    relation: str
    bound: float

    def __post_init__(self) -> None:
        if self.relation not in _RELATIONS:
            raise UserError(
                f"a constraint on {self.metric!r} has the relation {self.relation!r}, but it must be >= or <="
            )
        if not _is_name(self.metric):
            raise UserError(f"a constraint names the metric {self.metric!r}, but a name has letters and no <, > or =")
        bound = self.bound.item() if isinstance(self.bound, np.generic) else self.bound
        if isinstance(bound, bool) or not isinstance(bound, (int, float)) or not _is_finite(bound):
            raise UserError(f"the constraint {self.metric}{self.relation} has the bound {bound!r}, not a finite number")
        object.__setattr__(self, "bound", bound)

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
    """Return the constraint that `text`, such as "precision>=0.39" or "val/acc >= 0.9", states.

    Raises UserError for any other form.
    """
    match = _FORM.fullmatch(text)
    try:
        if match and _is_name(match[1].strip()) and math.isfinite(float(match[3])):
            return Constraint(match[1].strip(), match[2], float(match[3]))
    except ValueError:
        pass
    raise UserError(f'constraint "{text}" is not of the form METRIC>=BOUND or METRIC<=BOUND, such as precision>=0.39')


def given(constraints: str | Constraint | Iterable[str | Constraint]) -> tuple[Constraint, ...]:
    """Return the constraints that a user gives: one or several, as text or as they are. Raises UserError otherwise."""
    if isinstance(constraints, (str, Constraint)):
        constraints = (constraints,)
    if not isinstance(constraints, Iterable) or isinstance(constraints, (bytes, Mapping)):
        raise UserError(f'constraints is {constraints!r}, but must be a list such as ["precision>=0.39"]')
    return tuple(_given(constraint) for constraint in constraints)


def _given(constraint: object) -> Constraint:
    if isinstance(constraint, Constraint):
        return constraint
    if isinstance(constraint, str):
        return parse(constraint)
    raise UserError(f'constraints hold {constraint!r}, but each must be a Constraint or a text such as "loss<=0.5"')


def total_violation(constraints: Iterable[Constraint], metrics: Mapping[str, float]) -> float:
    """Return the sum of all violations; a metric that is missing counts as infinitely violated."""
    return sum((c.violation(metrics.get(c.metric, math.nan)) for c in constraints), 0.0)


def _is_name(metric: object) -> bool:
    if not isinstance(metric, str) or metric != metric.strip() or not metric.isprintable():
        return False
    return any(map(str.isalpha, metric)) and not set(metric) & set("<>=")


def _is_finite(bound: float) -> bool:
    try:
        return math.isfinite(bound)
    except OverflowError:  # an integer that no float comes near
        return False

"""What is known of a configuration before training?"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas.configuration import default_config
from nas.constraints import Constraint
from nas.types import Config

Measures = Mapping[str, Callable[[dict[str, Any]], float]]


class Cheap:
    """The cheap metrics; each is measured once a configuration, and only when asked for."""

    def __init__(self, constraints: Sequence[Constraint], measures: Measures) -> None:
        self.measures = measures
        order = list(measures)  # the cheapest to measure first, so that the others are measured for few
        self.constraints = sorted((c for c in constraints if c.metric in order), key=lambda c: order.index(c.metric))
        self.nearest_miss = dict[str, tuple[float, float]]()  # constraint: (violation, value) nearest to its bound
        self._values = dict[Config, dict[str, float]]()

    def broken(self, config: Config) -> Constraint | None:
        """Return the first cheap constraint that `config` breaks, or None."""
        for constraint in self.constraints:
            value = self._value(config, constraint.metric)
            violation = constraint.violation(value)
            if violation > 0:
                nearest = self.nearest_miss.get(str(constraint), (float("inf"), float("nan")))
                self.nearest_miss[str(constraint)] = min(nearest, (violation, value))
                return constraint
        return None

    def all(self, config: Config) -> dict[str, float]:
        """Return every cheap metric of `config`."""
        return {name: self._value(config, name) for name in self.measures}

    def _value(self, config: Config, name: str) -> float:
        values = self._values.setdefault(config, {})
        if name not in values:
            values[name] = float(self.measures[name](config.values))
        return values[name]


def measures_of(
    measure: Callable[[dict[str, Any]], Mapping[str, float]] | Measures | None, space: ConfigurationSpace
) -> Measures:
    """Return cheap metrics by name; a single function is called once a configuration."""
    if measure is None or isinstance(measure, Mapping):
        return measure or {}
    names = list(measure(default_config(space).values))
    last: dict[str, Any] = {}

    def value(name: str, config: dict[str, Any]) -> float:
        if last.get("config") != config:
            last.update(config=config, values=measure(config))
        return float(last["values"][name])

    return {name: partial(value, name) for name in names}

"""What is known of a configuration before training?"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas.core.configuration import default_config
from nas.core.constraints import Constraint
from nas.core.errors import Unmeasurable, UserError
from nas.core.seeds import generator
from nas.core.types import Config
from nas.strategies.breeding.variation import Draws, sample

_NONE = (float("inf"), float("nan"))
SAMPLES = 100  # to learn what is measured, where measuring the default fails
Measures = Mapping[str, Callable[[dict[str, Any]], float]]


class Cheap:
    """The cheap metrics; each is measured once a configuration, and only when asked for."""

    def __init__(self, constraints: Sequence[Constraint], measures: Measures) -> None:
        self.measures = measures
        order = list(measures)  # the cheapest to measure first, so that the others are measured for few
        self.constraints = sorted((c for c in constraints if c.metric in order), key=lambda c: order.index(c.metric))
        self._nearest = dict[Constraint, tuple[float, float]]()  # (violation, value) nearest to its bound
        self._values = dict[Config, dict[str, float]]()

    def broken(self, config: Config) -> Constraint | None:
        """Return the first cheap constraint that `config` breaks, or None."""
        for constraint in self.constraints:
            value = self._value(config, constraint.metric)
            violation = constraint.violation(value)
            if violation > 0:
                self._nearest[constraint] = min(self._nearest.get(constraint, _NONE), (violation, value))
                return constraint
        return None

    def nearest(self, constraint: Constraint) -> float:
        """Return the value nearest to the bound, of all that broke `constraint`; nan where none did."""
        return self._nearest.get(constraint, _NONE)[1]

    def all(self, config: Config) -> dict[str, float]:
        """Return every cheap metric of `config`."""
        return {name: self._value(config, name) for name in self.measures}

    def _value(self, config: Config, name: str) -> float:
        """Return the metric. Raises Unmeasurable where measuring fails, with what it raised as the cause."""
        values = self._values.setdefault(config, {})
        if name not in values:
            try:
                values[name] = float(self.measures[name](config.values))
            except UserError:
                raise
            except Exception as error:
                raise Unmeasurable(f"measuring {name} failed: {type(error).__name__}: {error}") from error
        return values[name]


def measures_of(
    measure: Callable[[dict[str, Any]], Mapping[str, float]] | Measures | None, space: ConfigurationSpace
) -> Measures:
    """Return cheap metrics by name; a single function is called once a configuration."""
    if measure is None or isinstance(measure, Mapping):
        return measure or {}
    names, last = _names(measure, space), dict[Config, Mapping[str, float]]()

    def value(name: str, values: dict[str, Any]) -> float:
        config = Config.of(values)
        if config not in last:
            last.clear()
            measured = measure(config.values)
            if set(measured) != set(names):
                had, now = ", ".join(sorted(names)), ", ".join(sorted(measured))
                raise UserError(f"measure returned {now} for {config.values}, not {had}: return the same for all")
            last[config] = measured
        return last[config][name]

    return {name: partial(value, name) for name in names}


def _names(measure: Callable[[dict[str, Any]], Mapping[str, float]], space: ConfigurationSpace) -> list[str]:
    """Return the names of the metrics that `measure` gives for the default or, where it fails, for a sample."""
    draws = Draws(space, generator("names of metrics"))
    first: Exception | None = None
    for place in range(SAMPLES):
        try:
            measured = measure((sample(draws) if place else default_config(space)).values)
        except Exception as error:
            first = first or error
            continue
        if isinstance(measured, Mapping):
            return list(measured)
        raise UserError(f"measure returned {type(measured).__name__}, but must return a dict such as {{'params': 1e6}}")
    assert first
    raise first

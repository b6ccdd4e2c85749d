"""What would training have given? A table of known results answers, behind the same interface and at no cost."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas.engine.cheap import Measures

Metrics = Callable[[Mapping[str, Any], int], dict[str, float]]


@dataclass(frozen=True)
class Lookup:
    """A problem whose results are known: `nas.search(it.space, it, measure=it.cheap, objective=it.objective, ...)`.

    `metrics(config, epochs)` are those after that many epochs, at most `max_epochs`; `cheap` those before training.
    `every()` yields configurations among whose results are those of all others; None where they cannot be counted.
    """

    space: ConfigurationSpace
    max_epochs: int
    objective: str
    maximize: bool
    metrics: Metrics
    cheap: Measures
    every: Callable[[], Iterable[Mapping[str, Any]]] | None = None

    def __call__(self, config: Mapping[str, Any], *, epochs: int, **job: Any) -> dict[str, float]:
        """Return the metrics after `epochs`; wherever the training comes from, and whatever its seed."""
        return self.metrics(config, epochs)

"""Which rate is tried next, and which was the best? A Gaussian process over the log10 of the rate."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nas.training.policies.autolrs.settings import Settings

_GRID = 0.1  # decades between rates that are looked at
_FIRST = (1 / 2, 2 / 3, 1 / 3)  # places in the interval that are tried before there is a model
_FLOOR = 1e-12  # of a loss whose logarithm is taken


@dataclass(frozen=True)
class Tried:
    """One rate: at which step its trial began, how many steps it had, and the loss that is expected of it."""

    step: int
    rate: float
    steps: int
    forecast: float | None  # None: given up
    chosen: bool = False

    @property
    def decade(self) -> float:
        """The log10 of the rate."""
        return math.log10(self.rate)

    def to_json(self) -> dict[str, Any]:
        """Return it as a dict."""
        return asdict(self)


def next_rate(tried: Sequence[Tried], before: float, incumbent: float | None, count: int, settings: Settings) -> float:
    """Return which rate a stage tries after those it has tried, `count` in all; the loss `before` was its beginning's.

    The first are set: about the `incumbent` of the stage before, or in the middle of the interval. Then the lower
    confidence bound of a Gaussian process is least: far below the mean at first, close to it at the end.
    """
    low, high = settings.decades
    if len(tried) < len(_FIRST):
        if incumbent is None:
            return float(10 ** (low + (high - low) * _FIRST[len(tried)]))
        return float(10 ** _within(math.log10(incumbent) + (0.0, 1.0, -1.0)[len(tried)], low, high))
    grid = np.linspace(low, high, max(2, round((high - low) / _GRID) + 1))
    far = np.min(np.abs(grid[:, None] - [each.decade for each in tried]), axis=1) > _GRID / 2
    grid = grid[far] if far.any() else grid
    left = max(0, count - 1 - len(tried)) / max(1, count - 1 - len(_FIRST))
    depth = settings.exploit + (settings.explore - settings.exploit) * left
    mean, deviation = _model(tried, before, settings).predict(grid[:, None], return_std=True)
    return float(10 ** grid[int(np.argmin(mean - depth * deviation))])


def _within(decade: float, low: float, high: float) -> float:
    return min(max(decade, low), high)


def _model(tried: Sequence[Tried], before: float, settings: Settings) -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern

    process = GaussianProcessRegressor(
        Matern(settings.length, nu=2.5), alpha=settings.noise**2, optimizer=None, normalize_y=True
    )
    return process.fit([[each.decade] for each in tried], [_score(each, before) for each in tried])


def _score(each: Tried, before: float) -> float:
    """Return the logarithm of its loss; whatever is worse than twice the loss before is equally bad."""
    ceiling = 2 * before
    return math.log(max(_FLOOR, ceiling if each.forecast is None else min(each.forecast, ceiling)))


def failed(each: Tried, before: float) -> bool:
    """Return whether nothing was learned at this rate."""
    return each.forecast is None or each.forecast >= before


def best(tried: Sequence[Tried], before: float, margin: float) -> int | None:
    """Return which of the rates the training goes on with; None where nothing was learned at any.

    It keeps a `margin` of so many decades from larger rates that failed: what learns fastest is often about to break.
    """
    learned = [i for i, each in enumerate(tried) if not failed(each, before)]
    bad = [each.decade for each in tried if failed(each, before)]
    while learned:
        chosen = min(learned, key=lambda i: tried[i].forecast)  # type: ignore[arg-type, return-value]
        edges = [edge for edge in bad if tried[chosen].decade < edge < tried[chosen].decade + margin]
        if not edges:
            return chosen
        safe = [i for i in learned if tried[i].decade <= min(edges) - margin]
        if not safe:
            return min(learned, key=lambda i: tried[i].rate)
        learned = safe
    return None


def may_be_best(tried: Sequence[Tried]) -> set[int]:
    """Return those of the rates that could still be chosen: no smaller one has a better forecast."""
    found, least = set[int](), math.inf
    for i in sorted(range(len(tried)), key=lambda i: tried[i].rate):
        forecast = tried[i].forecast
        if forecast is not None and forecast < least:
            found.add(i)
            least = forecast
    return found

"""How did the learning rate go over the steps of a training, which rates were tried, and what else was learned?"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

from nas.report.figures import Drawing
from nas.report.style import BOUND, FEASIBLE, INCUMBENT, MUTED, SERIES, canvas
from nas.training.trajectory import RATE, STEPS, TRIALS, choices, learned, number, stages, summary

_FEW = 30  # points that are marked
_GIVEN_UP = "given up"
_HEIGHT = 3.6  # inches, of the rate


def drawn(name: str, title: str, trajectories: Sequence[Mapping[str, Any]]) -> Drawing | None:
    """The rate over steps, one line a fold, the tried ones of the first behind it; below what else it learned.

    Nothing where there is nothing to draw.
    """
    if not any(each[STEPS] or each.get(TRIALS) for each in trajectories):
        return None
    others = learned(trajectories[0])
    heights = [3, 2] if others else [3]
    figure = canvas(_HEIGHT * sum(heights) / 3)
    above, *below = figure.subplots(len(heights), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    _rates(above, trajectories)
    for axes in below:
        _others(axes, trajectories, others)
    (*_, lowest) = (above, *below)
    lowest.set_xlabel("steps")
    lowest.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    lowest.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    figure.legend(loc="outside upper center", ncols=3, fontsize=9)
    return Drawing(name, title, _words(trajectories), figure)


def _rates(axes: Axes, trajectories: Sequence[Mapping[str, Any]]) -> None:
    """Draw the rate of each fold, that of the first above its tried ones."""
    for each in trajectories[:0:-1]:
        axes.plot(*_line(each), color=FEASIBLE, linewidth=0.9, alpha=0.55)
    x, y = _line(trajectories[0])
    axes.plot(x, y, color=FEASIBLE, linewidth=2.2, marker="." if len(x) < _FEW else "", label="rate", zorder=3)
    if len(trajectories) > 1:
        axes.plot([], [], color=FEASIBLE, linewidth=0.9, alpha=0.55, label="other folds")
    _tried(axes, trajectories[0].get(TRIALS, ()))
    axes.set_yscale("log")
    low, high = (10**decade for decade in _decades(axes))
    axes.set_ylim(low, high)
    subs = (1.0,) if high / low > 2e3 else (1.0, 3.0) if high / low > 20 else (1.0, 2.0, 5.0)
    axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("learning rate")


def _decades(axes: Axes) -> tuple[float, float]:
    """Return the log10 of the limits: what is drawn with some room, and no less than one decade."""
    low, high = (math.log10(limit) for limit in axes.get_ylim())
    room = max(0.0, 1 - (high - low)) / 2
    return low - room, high + room


def _line(trajectory: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Return steps and rates: what was chosen when it was, and at the end of each epoch what was in force.

    While rates are tried, which have marks of their own, there is a gap; so is where a logarithm has no value.
    """
    tried, x, y = trajectory.get(TRIALS, ()), list[float](), list[float]()
    searches = [(stage[0]["step"], stage[-1]["step"] + stage[-1]["steps"]) for stage in stages(tried)]
    ends = zip(trajectory[STEPS], trajectory[RATE], strict=True)
    after = [point for point in ends if not any(begin < point[0] <= end for begin, end in searches)]
    for step, rate in sorted([*choices(tried), *after], key=lambda point: point[0]):
        while searches and step >= searches[0][1]:
            begin, _ = searches.pop(0)
            if y:
                x, y = [*x, begin, begin], [*y, y[-1], math.nan]
        x.append(step)
        y.append(rate if rate is not None and rate > 0 else math.nan)
    return x, y


def _tried(axes: Axes, tried: Sequence[Mapping[str, Any]]) -> None:
    """Draw each tried rate as a line over the steps of its trial."""
    kinds = {
        "tried": ([t for t in tried if not t["chosen"] and t["forecast"] is not None], MUTED, 1.8),
        _GIVEN_UP: ([t for t in tried if not t["chosen"] and t["forecast"] is None], BOUND, 1.8),
        "chosen": ([t for t in tried if t["chosen"]], INCUMBENT, 4.0),
    }
    for name, (trials, colour, width) in kinds.items():
        if not trials:
            continue
        begins, ends, rates = zip(*((t["step"], t["step"] + t["steps"], t["rate"]) for t in trials), strict=True)
        axes.hlines(rates, begins, ends, color=colour, linewidth=width, capstyle="round", zorder=2)
        axes.plot([], [], color=colour, linewidth=width, marker="x" * (name == _GIVEN_UP), label=name)
        if name == _GIVEN_UP:
            axes.plot(ends, rates, "x", color=colour, markersize=5, zorder=2)


def _others(axes: Axes, trajectories: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Draw what else was learned, each in a colour of its own."""
    for name, colour in zip(names, (*SERIES[2:], INCUMBENT) * len(names), strict=False):
        for each in (other for other in trajectories[:0:-1] if name in other):
            axes.plot(each[STEPS], _known(each[name]), color=colour, linewidth=0.9, alpha=0.55)
        x, y = trajectories[0][STEPS], _known(trajectories[0][name])
        axes.plot(x, y, color=colour, marker="." if len(x) < _FEW else "", label=name)
    axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
    axes.set_ylabel(", ".join(names))


def _known(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]


def _words(trajectories: Sequence[Mapping[str, Any]]) -> str:
    if len(trajectories) == 1:
        return f"At the end: {summary(trajectories[0])}."
    others = " and ".join(number(each[RATE][-1]) for each in trajectories[1:] if each[RATE])
    told = f"At the end of the first of {len(trajectories)} folds: {summary(trajectories[0])}."
    return f"{told} In the others the rate ends at {others}." if others else told

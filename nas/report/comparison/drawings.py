"""How do strategies differ at a glance? Anytime curves with bands, and the tested networks as points."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from nas.report.comparison.statistics import Entry, grouped
from nas.report.figures import Drawing, anytime, spent
from nas.report.style import INK, SERIES, canvas, label

_GRID = 200  # places on the horizontal axis


def bands(entries: Sequence[Entry], against: str) -> Drawing | None:
    """Best feasible objective over "time" (minutes) or "epochs": the mean over seeds, and all from worst to best."""
    objective, unit = entries[0].run.spec.objective, "minutes" if against == "time" else "epochs in all"
    curves = {name: [anytime(entry.run, against) for entry in group] for name, group in grouped(entries).items()}
    if not any(x for each in curves.values() for x, _ in each):
        return None
    ends = [spent(entry.run, against) for entry in entries]
    grid, figure, words = np.linspace(0, max(ends), _GRID), canvas(), list[str]()
    axes = figure.add_subplot()
    for (name, each), colour in zip(curves.items(), SERIES * len(curves), strict=False):
        values = np.array([_at(grid, x, y) for x, y in each])
        begun = ~np.isnan(values).any(axis=0)  # from when every seed has a feasible network
        axes.plot(grid[begun], values[:, begun].mean(axis=0), color=colour, label=label(name))
        low, high = values[:, begun].min(axis=0), values[:, begun].max(axis=0)
        axes.fill_between(grid[begun], low, high, color=colour, alpha=0.18, linewidth=0)
        if begun.any():
            words.append(f"{name} from {grid[begun][0]:.3g} {unit} on, at the end {values[:, -1].mean():.4f}")
    axes.set(xlabel=unit, ylabel=f"best feasible {objective}")
    figure.legend(loc="outside upper center", ncols=3, fontsize=9)
    title = f"Best feasible {objective} over {against}, mean and range over seeds"
    return Drawing(f"compared-{against}", title, f"{'; '.join(words)}.", figure)


def _at(grid: NDArray[np.float64], x: Sequence[float], y: Sequence[float]) -> NDArray[np.float64]:
    """Return the value of a step curve at each place of `grid`, NaN before its first."""
    return np.array([np.nan, *y])[np.searchsorted(x, grid, side="right")]


def tests(entries: Sequence[Entry]) -> Drawing | None:
    """Every tested training as a point, by strategy, the seeds of the search side by side; a line at the mean."""
    objective, groups = entries[0].run.spec.objective, grouped(entries)
    if not any(entry.test(objective) for entry in entries):
        return None
    figure, words = canvas(1.2 + 0.5 * len(groups)), list[str]()
    axes = figure.add_subplot()
    for place, ((name, group), colour) in enumerate(zip(groups.items(), SERIES * len(groups), strict=False)):
        values = [(entry.test(objective), i) for i, entry in enumerate(group) if entry.test(objective)]
        for each, i in values:
            axes.scatter(each, [place + 0.5 * (i / max(1, len(group) - 1) - 0.5)] * len(each), color=colour, s=22)
        if values:
            mean = fmean(fmean(each) for each, _ in values)
            axes.plot([mean, mean], [place - 0.4, place + 0.4], color=INK, linewidth=1.5)
            words.append(f"{name} {mean:.4f}")
    axes.set_yticks(range(len(groups)), [label(name) for name in groups])
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set(xlabel=f"{objective} on the test set")
    title = f"{objective} of every tested training, one row a seed of the search, the line at the mean"
    return Drawing("compared-tests", title, f"Means: {', '.join(words)}.", figure)

"""How does it look what earlier tasks said? Curves as predicted and seen, how alike tasks are, regret over epochs."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator, NullLocator

from nas.report.facts import number
from nas.report.figures import Drawing
from nas.report.style import FEASIBLE, GRID, INCUMBENT, INFEASIBLE, INK, MUTED, canvas, label
from nas.report.transfer.alike import Likeness, likeness
from nas.report.transfer.learned import Learned

TOP = 5
_COLUMNS, _FEW = 3, 9  # tasks, whose correlations are written in their cells


def drawings(found: Learned) -> list[Drawing | None]:
    """Return the figures of the section; None for one that there is nothing to draw for."""
    return [curves(found), matrix(likeness(found)), regret(found)]


def curves(found: Learned) -> Drawing | None:
    """Predicted curves of the best that were trained, before any epoch here and in the end, over what was seen."""
    best, objective = found.best(TOP), found.spec.objective
    if not best:
        return None
    rows = -(-(len(best) + 1) // _COLUMNS)
    figure = canvas(0.8 + 1.7 * rows)
    panels = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).flatten()
    for axes, place in zip(panels, best, strict=False):
        _curve(axes, found, place)
    for axes in panels[len(best) :]:
        axes.set_axis_off()
    for place, axes in enumerate(panels[: len(best)]):
        axes.xaxis.set_tick_params(labelbottom=place + _COLUMNS >= len(best))
    _legend(panels[len(best)])
    figure.supxlabel("epochs", fontsize=10)
    figure.supylabel(objective, fontsize=10)
    title = f"Predicted curves of the best {len(best)} that were trained, with 90 % intervals"
    return Drawing("predicted-curves", title, _covered(found, best), figure)


def _curve(axes: Axes, found: Learned, place: int) -> None:
    for forecast, colour, style in ((found.before, MUTED, "--"), (found.after.forecast, FEASIBLE, "-")):
        low, mean, high = (values[place] for values in (forecast.low, forecast.mean, forecast.high))
        axes.fill_between(found.knots, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(found.knots, mean, color=colour, linestyle=style, linewidth=1.4)
    seen = found.seen(place)
    axes.plot(*zip(*seen, strict=True), "o", color=INCUMBENT, markersize=4, zorder=3)
    axes.set_title(label(found.trials[place]), fontsize=9)
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(found.knots, [str(knot) for knot in found.knots], fontsize=8)
    axes.tick_params(axis="y", labelsize=8)


def _legend(axes: Axes) -> None:
    kinds = [
        (Line2D([], [], color=MUTED, linestyle="--"), "before any epoch"),
        (Line2D([], [], color=FEASIBLE), "in the end"),
        (Line2D([], [], color=INCUMBENT, marker="o", linestyle="", markersize=4), "seen"),
    ]  # fmt: skip
    axes.legend(*zip(*kinds, strict=True), loc="center", fontsize=9)


def _covered(found: Learned, best: list[int]) -> str:
    """Return in words what is expected of the best, and how often the truth lay where it had been expected."""
    metric, forecast = found.spec.objective, found.after.forecast
    bounds = (forecast.mean, forecast.low, forecast.high)
    mean, low, high = (number(metric, float(bound[best[0], -1])) for bound in bounds)
    inside = [
        bool(found.before.low[place, knot] <= value <= found.before.high[place, knot])
        for place in found.trials
        for epochs, value in found.seen(place)
        if epochs in found.knots
        for knot in [found.knots.index(epochs)]
    ]
    told = f"{found.trials[best[0]]} is expected to reach {mean}, between {low} and {high}."
    return f"{told} Of all {len(inside)} results {sum(inside)} lie in the interval from before any epoch."


def matrix(known: Likeness) -> Drawing:
    """Rank correlation of the configurations between any two tasks, and the weight that each has for this one."""
    count = len(known.names)
    size = 7 if count > _FEW * 2 else 9
    figure = canvas(max(2.6, 1.1 + count * size * 0.021))
    cells, bars = figure.subplots(1, 2, sharey=True, width_ratios=[4, 1])
    _cells(cells, known, size)
    places = np.arange(count)
    bars.barh(places, known.weights, color=INCUMBENT, height=0.7)
    bars.set(xlabel="weight", xlim=(0, max(0.05, float(known.weights.max()) * 1.05)))
    bars.tick_params(axis="y", length=0)
    bars.xaxis.set_major_locator(MaxNLocator(2))
    bars.grid(visible=False, axis="y")
    _strengths(figure)
    return Drawing("likeness", "How alike tasks are, by how they rank configurations", known.words, figure)


def _cells(axes: Axes, known: Likeness, size: int) -> None:
    count, found = len(known.names), known.correlation
    patches = [Rectangle((j - 0.5, i - 0.5), 1, 1) for i in range(count) for j in range(count)]
    faces = [_face(float(value)) for value in found.flatten()]
    axes.add_collection(PatchCollection(patches, facecolors=faces, edgecolors=GRID, linewidths=0.4))
    if count <= _FEW:
        for (i, j), value in np.ndenumerate(found):
            axes.text(j, i, _short(float(value)), ha="center", va="center", fontsize=8, color=INK)
    axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5))
    axes.set_yticks(range(count), [label(name, 16) for name in known.names], fontsize=size)
    axes.set_xticks([])
    axes.set_xlabel("the same tasks")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.get_yticklabels()[0].set_color(INCUMBENT)


def _face(value: float) -> tuple[float, float, float, float]:
    """Return blue for what is alike, orange for the opposite, the fuller the more one explains of the other."""
    if np.isnan(value):
        return (0.0, 0.0, 0.0, 0.0)
    return to_rgba(FEASIBLE if value > 0 else INFEASIBLE, 0.8 * value**2)


def _short(value: float) -> str:
    return "?" if np.isnan(value) else f"{value:.2f}"


def _strengths(figure: Figure) -> None:
    kinds = {"alike, 1": 1.0, "0.5": 0.5, "opposite, -1": -1.0, "not known": float("nan")}
    handles = [Patch(facecolor=_face(value), edgecolor=GRID, label=name) for name, value in kinds.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, fontsize=9, handlelength=1)


def regret(found: Learned) -> Drawing | None:
    """How much worse the recommended configuration was than the best that was trained, over the epochs spent."""
    x, y = found.regret()
    if not x:
        return None
    figure, objective = canvas(), found.spec.objective
    axes = figure.add_subplot()
    axes.step(x, y, where="post", color=FEASIBLE)
    axes.set(xlabel="epochs spent", ylabel=f"regret in {objective}")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0, top=max(1e-3, *y) * 1.05)
    return Drawing("regret", "How much worse the recommendation is than the best", _course(objective, x, y), figure)


def _course(metric: str, x: list[int], y: list[float]) -> str:
    """Return in words where the regret began, and where it ended."""
    wrong = [place for place, value in enumerate(y) if value > 0]
    if not wrong:
        return "The best was recommended before any epoch, and ever after."
    began = f"Before any epoch the regret is {number(metric, y[0])}"
    return (
        f"{began}, in the end {number(metric, y[-1])}."
        if y[-1]
        else f"{began}, from {x[wrong[-1] + 1]} epochs on none."
    )

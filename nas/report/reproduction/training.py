"""How did the full trainings go? The metric after each epoch, the target as a line, the learning rate below."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from nas.report.figures import Drawing
from nas.report.reproduction.found import Found
from nas.report.style import BOUND, FEASIBLE, INFEASIBLE, SERIES, canvas
from nas.runs.reproduced import Full

_FEW = 30  # epochs, each of which is marked


def learning_curve(found: Found) -> Drawing | None:
    """The metric of the images that judge by epoch, of all seeds, above the learning rate; the best epoch is marked."""
    if not found.judged:
        return None
    figure = canvas(5.0)
    above, below = figure.subplots(2, sharex=True, height_ratios=[3, 1.3])
    for full, colour in zip(found.judged, SERIES * len(found.judged), strict=False):
        _curve(above, found, full, colour)
        x, rates = [point.epoch for point in full.curve], [_logarithmic(point.rate) for point in full.curve]
        below.step(x, rates, where="mid", color=colour, marker="." * (len(x) < 2))
    above.axhline(found.asked.target, color=BOUND, linestyle="--", linewidth=1.3, label="target")
    above.plot([], [], "*", color="none", markeredgecolor=FEASIBLE, markersize=11, label="best epoch")
    above.set_ylabel(found.metric)
    _rate_axis(below)
    _epochs(below, found.judged)
    figure.legend(loc="outside upper center", ncols=3, fontsize=9, columnspacing=1)
    title = f"After each epoch: {found.metric}, and the learning rate"
    return Drawing("learning-curve", title, _words(found), figure)


def losses(found: Found) -> Drawing | None:
    """The loss on the training images and on those that judge, by epoch, of all seeds."""
    known = [full for full in found.judged if all("loss" in point.metrics for point in full.curve)]
    if not known:
        return None
    figure = canvas()
    axes = figure.add_subplot()
    for full in known:
        x, first = [point.epoch for point in full.curve], full is known[0]
        mark, alpha = "." * (len(x) < _FEW), 1.0 if first else 0.5
        trained, judged = ([*values] for values in zip(*((p.train_loss, p.metrics["loss"]) for p in full.curve),
                                                       strict=True))  # fmt: skip
        axes.plot(x, trained, color=FEASIBLE, marker=mark, alpha=alpha, label="training" if first else None)
        axes.plot(x, judged, color=INFEASIBLE, marker=mark, alpha=alpha, label="judged" if first else None)
    axes.set_ylabel("loss")
    _epochs(axes, known)
    figure.legend(loc="outside upper center", ncols=2)
    last, others = known[0].curve[-1], "; the others are paler" if len(known) > 1 else ""
    told = f"After epoch {last.epoch} {last.train_loss:.4g} in training, {last.metrics['loss']:.4g} where it is judged"
    return Drawing(
        "losses", "Loss in training and where it is judged", f"{told}, by seed {known[0].seed}{others}.", figure
    )


def _curve(axes: Axes, found: Found, full: Full, colour: str) -> None:
    x, y = [point.epoch for point in full.curve], [found.value(point) for point in full.curve]
    axes.plot(x, y, color=colour, marker="." * (len(x) < _FEW), linewidth=1.5, label=f"seed {full.seed}")
    best = full.at_best
    axes.plot([best.epoch if best else 0], [found.value(best)], "*", color=colour, markersize=12, zorder=3)


def _logarithmic(rate: float) -> float:
    return rate if rate > 0 else math.nan


def _rate_axis(axes: Axes) -> None:
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high / low < 10:
        axes.set_ylim(low / 3, high * 3)
    axes.yaxis.set_major_locator(LogLocator(numticks=5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("learning rate")


def _epochs(axes: Axes, fulls: Sequence[Full]) -> None:
    axes.set_xlim(0, max(4, *(full.curve[-1].epoch for full in fulls)) * 1.03)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlabel("epoch")


def _words(found: Found) -> str:
    told = []
    for full in found.judged:
        best, last = full.at_best, full.curve[-1]
        ended = "" if best is last else f", after epoch {last.epoch} {found.shown(found.value(last))}"
        told.append(
            f"seed {full.seed} is best at epoch {best.epoch if best else 0}, {found.shown(found.value(best))}{ended}"
        )
    return f"{'; '.join(told)}. The target is {found.shown(found.asked.target)}."

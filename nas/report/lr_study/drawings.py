"""How sharp is the best learning rate, and who does without? The test metric over the rate, and rates over steps."""

from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes

from nas.core.parts import parted
from nas.report.facts import number
from nas.report.figures import Drawing
from nas.report.lr_study.results import Cell, Estimate, Group, Outcome
from nas.report.style import SERIES, canvas, label
from nas.report.trajectories import drawn

_LONGEST = 30  # letters of a name in a legend
_STYLES = ("--", ":", "-.")  # of the lines without a rate, which may be many


def over_the_rate(outcome: Outcome) -> list[Drawing]:
    """The test metric over the rate, a figure for each optimizer that was given rates; bands are standard errors.

    Level lines are what finds its own rate: with this optimizer, and with those that were given none.
    """
    tuned = dict.fromkeys(group.pair[0] for group in outcome.groups if not group.finds_its_own)
    found = list[Drawing]()
    for optimizer in tuned:
        shown = {optimizer, *(name for name in outcome.study.optimizers if name not in tuned)}
        drawing = _drawing(outcome, optimizer, [group for group in outcome.groups if group.pair[0] in shown])
        found += [drawing] if drawing else []
    return found


def over_steps(outcome: Outcome) -> list[Drawing]:
    """How the rate went, and what else was learned or tried, in the first training of each that finds its own."""
    found = list[Drawing]()
    for group in outcome.groups:
        for seed, (trajectory, *_) in list(outcome.trajectories(group).items())[:1]:
            title = f"The learning rate over steps: {group.name}, seed {seed}"
            found += [each for each in [drawn(f"steps-{group.name}", title, [trajectory])] if each]
    return found


def _drawing(outcome: Outcome, optimizer: str, groups: Sequence[Group]) -> Drawing | None:
    figure, words = canvas(), list[str]()
    axes = figure.add_subplot()
    styles = iter(_STYLES * len(groups))
    for group, colour in zip(groups, SERIES * len(groups), strict=False):
        if group.finds_its_own:
            words += _level(axes, outcome, group, colour, next(styles))
        else:
            words += _curve(axes, outcome, group, colour)
    if not words:
        return None
    axes.set_xscale("log")
    axes.set(xlabel="learning rate", ylabel=f"{outcome.objective} on the test set")
    figure.legend(loc="outside upper center", ncols=2, fontsize=9)
    title = f"{outcome.objective} on the test set over the learning rate, {optimizer}; mean and standard error"
    return Drawing(f"rates-{optimizer}", title, f"{'; '.join(words)}.", figure)


def _curve(axes: Axes, outcome: Outcome, group: Group, colour: str) -> Iterator[str]:
    found = [(cell.rate, each) for cell in group.cells if (each := _tested(outcome, cell))]
    if not found:
        return
    found.sort(key=lambda each: each[0])
    rates, means, errors = ([*each] for each in zip(*((r, e.mean, e.error or 0.0) for r, e in found), strict=True))
    axes.plot(rates, means, color=colour, marker="o", markersize=4, label=label(group.pair[1]))
    low, high = ([mean + sign * error for mean, error in zip(means, errors, strict=True)] for sign in (-1, 1))
    axes.fill_between(rates, low, high, color=colour, alpha=0.18, linewidth=0)
    cell = outcome.tuned(group)
    if best := _tested(outcome, cell):
        yield f"{group.name} is best at {cell.rate:g} by validation, {number(outcome.objective, best.mean)}"


def _level(axes: Axes, outcome: Outcome, group: Group, colour: str, style: str) -> Iterator[str]:
    found = _tested(outcome, group.cells[0])
    if not found:
        return
    axes.axhline(found.mean, color=colour, linestyle=style, label=label(_short(outcome, group)))
    if found.error:
        axes.axhspan(found.mean - found.error, found.mean + found.error, color=colour, alpha=0.12, linewidth=0)
    yield f"{group.name} finds its own, {number(outcome.objective, found.mean)}"


def _short(outcome: Outcome, group: Group) -> str:
    """Return a name that fits a legend: parameters give way to the row of the table, where they take too much room."""
    if len(group.name) <= _LONGEST:
        return group.name
    names = [name if (plain := str(parted(name)["name"])) == name else f"{plain}:…" for name in group.pair]
    return f"{', '.join(names)} (row {outcome.groups.index(group) + 1})"


def _tested(outcome: Outcome, cell: Cell) -> Estimate | None:
    return Estimate.of(cell.values(outcome.tested))

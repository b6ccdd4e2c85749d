"""What do the rows say? Tables in markdown, and a figure of regret over epochs spent."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

from benchmarks.transfer.database import Floats
from benchmarks.transfer.methods import METHODS, OURS
from benchmarks.transfer.rows import BUDGETS, SHOWN, Row
from nas.runs.disk import replacing

_LEVELS = (0.1, 0.05, 0.03, 0.02, 0.01)  # of regret, that epochs are counted to
_LEAST, _MOST = 1e-3, 320  # regret and epochs that the figure shows
_DRAWN = (
    "prior by rank, full", "random, full", "random, one-epoch rounds", OURS, "AT2", "Hyperband", "ASHA",
    "prior by rank, ASHA", "GP by BoTorch", "mixture, no history",
)  # fmt: skip
_BEST = "best baseline at each budget"


def table(rows: Sequence[Row], what: str) -> Iterator[str]:
    """Yield the lines of a table of "regret" or "rank", mean and standard error over tasks, one method a line."""
    most = max(len(row.regret) for row in rows)
    shown = [each for each in SHOWN[rows[0].database] if each in BUDGETS[:most]]
    yield "| epochs spent | " + " | ".join(map(str, shown)) + " |"
    yield "|---" * (len(shown) + 1) + "|"
    found = {name: by_task(of, what) for name, of in by_method(rows).items()}
    for name, values in found.items():
        yield f"| {_bold(name)} | " + " | ".join(_cell(values, each, what) for each in shown) + " |"
    lines = [values.mean(axis=0) for name, values in found.items() if METHODS[name].baseline]
    if lines:
        best = [min(line[BUDGETS.index(each)] for line in lines) for each in shown]
        yield f"| {_BEST} | " + " | ".join(_number(each, what) for each in best) + " |"


def misled(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of a table: epochs until the mean regret is first as low, with a history of any kind or none."""
    yield "| mean regret of at most | " + " | ".join(f"{level:g}" for level in _LEVELS) + " |"
    yield "|---" * (len(_LEVELS) + 1) + "|"
    for name, of in by_method([row for row in rows if row.method.startswith(OURS)]).items():
        values = by_task(of, "regret").mean(axis=0)
        reached = [next((b for b, v in zip(BUDGETS, values, strict=False) if v <= level), None) for level in _LEVELS]
        yield f"| {name} | " + " | ".join("not reached" if each is None else str(each) for each in reached) + " |"


def by_method(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows of each method, in the order of METHODS; without those that ran on fewer tasks than others."""
    found = defaultdict[str, list[Row]](list)
    for row in rows:
        found[row.method].append(row)
    most = max(map(len, found.values()))
    return {name: found[name] for name in METHODS if len(found.get(name, ())) == most}


def by_task(rows: Sequence[Row], what: str) -> Floats:
    """Return a line a new task, [tasks, budgets]: the mean over data seeds and draws."""
    found = defaultdict[str, list[tuple[float, ...]]](list)
    for row in rows:
        found[row.new].append(getattr(row, what))
    return np.array([np.mean(each, axis=0) for each in found.values()])


def figure(groups: dict[tuple[str, str], list[Row]], file: Path) -> None:
    """Draw regret over epochs spent, a panel a database and protocol, with the best of all baselines at each budget."""
    drawing = Figure(figsize=(11, 4 * -(-len(groups) // 2)), layout="constrained")
    for place, ((database, protocol), rows) in enumerate(groups.items(), 1):
        axes = drawing.add_subplot(-(-len(groups) // 2), 2, place)
        means = {name: by_task(of, "regret").mean(axis=0) for name, of in by_method(rows).items()}
        if baselines := [values for name, values in means.items() if METHODS[name].baseline]:
            least = min(map(len, baselines))
            _draw(axes, np.min([values[:least] for values in baselines], axis=0), _BEST, "black", 1.2, "--")
        for name, colour in zip(_DRAWN, colormaps["tab10"](range(len(_DRAWN))), strict=True):
            if name in means:
                _draw(axes, means[name], name, colour, 3.0 if name == OURS else 1.2, "-")
        axes.set_xscale("symlog", linthresh=1)
        axes.set_yscale("log")
        axes.set_xticks(ticks := [0, 1, 3, 10, 30, 100, 300], [str(each) for each in ticks])
        axes.set(title=f"{database}, {protocol}", xlabel="epochs spent", ylabel="normalised regret", xlim=(0, 320))
    lines = {str(line.get_label()): line for axes in drawing.axes for line in axes.lines}
    drawing.legend(lines.values(), lines, loc="outside lower center", ncols=5, fontsize=9)
    with rc_context({"svg.hashsalt": "transfer"}), replacing(file) as temporary:
        drawing.savefig(temporary, format="svg", metadata={"Date": None})


def _draw(axes: Axes, values: Floats, name: str, colour: ColorType, width: float, style: str) -> None:
    shown = [(budget, max(value, _LEAST)) for budget, value in zip(BUDGETS, values, strict=False) if budget <= _MOST]
    axes.plot(*zip(*shown, strict=True), color=colour, label=name, linewidth=width, linestyle=style, zorder=width)


def _cell(values: Floats, budget: int, what: str) -> str:
    place = BUDGETS.index(budget)
    if place >= values.shape[1]:
        return ""
    column = values[:, place]
    error = column.std(ddof=1) / len(column) ** 0.5 if len(column) > 1 else 0.0
    return f"{_number(column.mean(), what)} ± {_number(error, what)}"


def _number(value: float, what: str) -> str:
    return f"{value:.4f}".lstrip("0") if what == "regret" else f"{value:.1f}"


def _bold(name: str) -> str:
    return f"**{name}**" if name == OURS else name

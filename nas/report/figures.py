"""What would one rather look at? One function a figure: each returns it with a title and what it says in words."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from nas.core import ranking
from nas.core.constraints import Constraint
from nas.core.evidence import Evidence
from nas.core.types import Result, Score, Status
from nas.report.facts import number
from nas.report.importance import Importance
from nas.report.style import BOUND, FEASIBLE, GRID, INCUMBENT, INFEASIBLE, MUTED, SERIES, canvas, label
from nas.runs.stored import StoredRun

_MANY = 3000  # points, from which on they are drawn as pixels, or the page would be slow


@dataclass(frozen=True)
class Drawing:
    """A figure, its short name for files, its title, and its content in words for those who do not see it."""

    name: str
    title: str
    words: str
    figure: Figure


def full(run: StoredRun) -> list[Result]:
    """Return the results of full budget that succeeded in the search."""
    return [r for r in run.results if r.epochs == run.spec.max_epochs and r.status is Status.OK]


def progress(runs: dict[str, StoredRun], against: str) -> Drawing | None:
    """Best feasible objective of fully trained networks over "time" (minutes) or over "epochs" spent."""
    figure, words = canvas(), list[str]()
    axes, objective = figure.add_subplot(), next(iter(runs.values())).spec.objective
    unit = "minutes" if against == "time" else "epochs in all"
    for (name, run), colour in zip(runs.items(), SERIES * len(runs), strict=False):
        x, y = anytime(run, against)
        if not x:
            continue
        axes.step(
            [*x, spent(run, against)], [*y, y[-1]], where="post", color=colour, marker=".", markevery=[0],
            label=label(name),
        )  # fmt: skip
        ahead = f" by {run.overtaken.result.job.trial.id}, which is not the incumbent" if run.overtaken else ""
        words.append(f"{name} ends at {number(objective, y[-1])}{ahead}, the first feasible after {x[0]:,.4g} {unit}")
    if not words:
        return None
    axes.set(xlabel=unit, ylabel=f"best feasible {objective}")
    axes.set_xlim(left=0)
    if len(words) > 1:
        figure.legend(loc="outside upper center", ncols=3)
    title = f"Best feasible {objective} over {'time' if against == 'time' else 'epochs spent'}"
    return Drawing(f"progress-{against}", title, f"{'; '.join(words)}.", figure)


def spent(run: StoredRun, against: str) -> float:
    """Return what a run took in all, in minutes or in epochs."""
    if against == "time":
        return max((result.elapsed for result in run.committed), default=0.0) / 60
    return float(sum(result.job.stop - result.job.start for result in run.committed))


def anytime(run: StoredRun, against: str) -> tuple[list[float], list[float]]:
    """Return when the best feasible objective got better, in minutes or epochs spent, and to what."""
    x, y, best = list[float](), list[float](), -math.inf
    epochs = accumulate(result.job.stop - result.job.start for result in run.committed)
    spent_by = dict(zip((result.job.key for result in run.committed), epochs, strict=True))
    for result in Evidence.of(run.committed).searched:
        usable = result.epochs == run.spec.max_epochs and result.feasible
        if usable and result.score.objective > best:
            best = result.score.objective
            x.append(float(spent_by[result.job.key]) if against == "epochs" else result.elapsed / 60)
            y.append(result.metrics[run.spec.objective])
    return x, y


def trade_off(run: StoredRun, constraint: Constraint) -> Drawing | None:
    """Every trial by a constraint's metric and the objective, its bound drawn, infeasible ones marked."""
    metric, objective = constraint.metric, run.spec.objective
    last = {r.job.trial.id: r for r in run.results if r.status is Status.OK and metric in r.metrics}
    if not last or metric == objective:
        return None
    figure = canvas()
    axes = _scatter(figure, run, last.values(), metric)
    axes.axvline(constraint.bound, color=BOUND, linestyle="--", label=str(constraint))
    _legend(figure)
    met = sum(constraint.violation(r.metrics[metric]) == 0 for r in last.values())
    words = f"{met} of {len(last)} trials meet {constraint}."
    return Drawing(f"trade-off-{metric}", f"Every trial: {metric} against {objective}", words, figure)


def size(run: StoredRun) -> Drawing | None:
    """Parameters against objective of the fully trained, with the Pareto front of the feasible."""
    objective = run.spec.objective
    trained = [r for r in full(run) if "params" in r.metrics and objective != "params"]
    if not trained:
        return None
    figure = canvas()
    axes = _scatter(figure, run, trained, "params")
    front = pareto([r for r in trained if r.feasible])
    axes.step(
        [r.metrics["params"] for r in front], [r.metrics[objective] for r in front],
        where="post", color=INCUMBENT, linewidth=1.2, zorder=1, label="Pareto front" if front else None,
    )  # fmt: skip
    _legend(figure)
    places = [(number("params", r.metrics["params"]), number(objective, r.metrics[objective])) for r in front[-8:]]
    words = "; ".join(f"{parameters} parameters reach {value}" for parameters, value in places)
    told = f"On the front: {words}." if front else "None of them is feasible."
    if front and run.overtaken and run.best not in front:
        told += " The incumbent is not: it came out ahead when the best were trained again."
    return Drawing("size", f"Parameters against {objective}, with the Pareto front", told, figure)


def pareto(results: Sequence[Result]) -> list[Result]:
    """Return those that no other beats in both parameters and objective, the smallest first."""
    front = list[Result]()
    for result in sorted(results, key=lambda r: (r.metrics["params"], -r.score.objective)):
        if not front or result.score.objective > front[-1].score.objective:
            front.append(result)
    return front


def _scatter(figure: Figure, run: StoredRun, results: Iterable[Result], metric: str) -> Axes:
    axes, objective, groups = figure.add_subplot(), run.spec.objective, dict[tuple[bool, bool], list[Result]]()
    for result in results:
        groups.setdefault((result.feasible, result.epochs == run.spec.max_epochs), []).append(result)
    for (feasible, whole), group in sorted(groups.items()):
        axes.scatter(
            [r.metrics[metric] for r in group], [r.metrics[objective] for r in group],
            color=FEASIBLE if feasible else INFEASIBLE, marker="o" if feasible else "x", s=26 if whole else 9,
            alpha=0.9 if whole else 0.35, linewidths=0 if feasible else 1, rasterized=len(group) > _MANY,
            label=("feasible" if feasible else "infeasible") + ("" if whole else ", stopped"),
        )  # fmt: skip
    best = run.best
    if best:
        place = ([best.metrics[metric]], [best.metrics[objective]])
        axes.scatter(*place, marker="*", s=190, color=INCUMBENT, zorder=3, label="incumbent", edgecolors="none")
    if min(r.metrics[metric] for group in groups.values() for r in group) > 0 and metric in ("params", "macs"):
        logarithmic(axes)
    axes.set(xlabel=metric, ylabel=objective)
    return axes


def _legend(figure: Figure) -> None:
    figure.legend(loc="outside upper center", ncols=3, fontsize=9, handletextpad=0.2, columnspacing=1)


def logarithmic(axes: Axes) -> None:
    """Scale the horizontal axis logarithmically, its ticks written as 20k and 5M."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0), numticks=7))
    axes.xaxis.set_major_formatter(EngFormatter(sep="", places=None))
    axes.xaxis.set_minor_formatter(NullFormatter())


def rungs(run: StoredRun) -> Drawing | None:
    """Learning curves of the bracket the incumbent is of: where each trial was stopped, and what went on."""
    brackets, best = _brackets(run), run.best
    staged = {name: curves for name, curves in brackets.items() if max(map(len, curves.values())) > 1}
    if not staged:
        return None
    winner = best.job.trial.id if best else ""
    home = next((name for name, curves in staged.items() if winner in curves), None)
    name = home if home is not None else max(staged, key=lambda place: _reach(staged[place]))
    figure = canvas()
    axes, objective, ends = figure.add_subplot(), run.spec.objective, dict[int, int]()
    for trial_id, curve in staged[name].items():
        x, y = [r.epochs for r in curve], [r.metrics[objective] for r in curve]
        chosen, end = trial_id == winner, x[-1]
        ends[end] = ends.get(end, 0) + 1
        colour = INCUMBENT if chosen else FEASIBLE if end == run.spec.max_epochs else MUTED
        axes.plot(x, y, color=colour, linewidth=2.4 if chosen else 1, alpha=1 if chosen else 0.6, zorder=2 + chosen)
        axes.plot(x[-1:], y[-1:], marker="o" if end == run.spec.max_epochs else "x", color=colour, markersize=6)
    axes.set_xscale("log", base=run.spec.eta)
    axes.set_xticks(sorted(ends), [str(epochs) for epochs in sorted(ends)], minor=False)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="epochs (rungs)", ylabel=f"{objective} in validation")
    words = ", ".join(f"{count} stopped at {epochs}" for epochs, count in sorted(ends.items())[:-1])
    title = "Where trials were stopped" + (f": bracket {name}" if name else "")
    return Drawing(
        "rungs", title, f"Of {sum(ends.values())} trials {words}; {ends[max(ends)]} reached {max(ends)} epochs.", figure
    )


def _brackets(run: StoredRun) -> dict[str, dict[str, list[Result]]]:
    """Return the curve of each trial by its bracket; where every trial is one of its own, all in one without a name."""
    curves = dict[str, list[Result]]()
    for result in run.results:
        if result.status is Status.OK:
            curves.setdefault(result.job.trial.id, []).append(result)
    orders = {trial_id: curve[0].job.trial.order[:-1] for trial_id, curve in curves.items()}
    alone = len({*orders.values()}) == len(orders)
    brackets = dict[str, dict[str, list[Result]]]()
    for trial_id, curve in curves.items():
        name = "" if alone else trial_id.rpartition(".")[0] or ".".join(map(str, orders[trial_id]))
        brackets.setdefault(name, {})[trial_id] = curve
    return brackets


def _reach(curves: dict[str, list[Result]]) -> tuple[int, Score]:
    """Return how many rungs a bracket has, and the best score on its last."""
    longest = max(curves.values(), key=lambda curve: (len(curve), curve[-1].score))
    return len(longest), longest[-1].score


def population(run: StoredRun) -> Drawing | None:
    """Best and mean objective of the population, the best fully trained so far, with each that was fully trained."""
    if run.spec.strategy.name != "evolution":
        return None
    parents, best, mean = list[Result](), list[float](), list[float]()
    for result in sorted(full(run), key=lambda result: result.elapsed):
        parents = ranking.best([*parents, result], run.spec.population)
        values = [parent.metrics[run.spec.objective] for parent in parents]
        best.append(values[0])
        mean.append(float(np.mean(values)))
    x = range(1, len(best) + 1)
    if len(x) < 2:
        return None
    figure = canvas()
    axes = figure.add_subplot()
    axes.plot(x, best, color=INCUMBENT, label="best", marker=".")
    axes.plot(x, mean, color=FEASIBLE, label="mean", marker=".")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="fully trained", ylabel=run.spec.objective)
    figure.legend(loc="outside upper center", ncols=2)
    told = [number(run.spec.objective, value) for value in (mean[0], mean[-1], best[0], best[-1])]
    words = f"The mean goes from {told[0]} to {told[1]}, the best from {told[2]} to {told[3]}."
    return Drawing("population", "The population as it was trained", words, figure)


def importances(found: Importance, metric: str) -> Drawing:
    """How much worse `metric` is predicted with a hyperparameter's values shuffled, with a standard error."""
    figure = canvas(0.6 + 0.27 * len(found.names))
    axes, places = figure.add_subplot(), np.arange(len(found.names))[::-1]
    axes.barh(places, found.mean, xerr=found.error, color=FEASIBLE, ecolor=MUTED, height=0.65)
    axes.set_yticks(places, map(label, found.names), fontsize=9)
    axes.grid(visible=False, axis="y")
    axes.axvline(0, color=GRID)
    axes.set(xlabel="loss of held-out R² when shuffled")
    shown = zip(found.names[:3], found.mean[:3], found.error[:3], strict=True)
    words = ", ".join(f"{name} {value:.2f} (error {error:.2f})" for name, value, error in shown)
    title = f"Which hyperparameters mattered for {metric}"
    return Drawing(
        f"importance-{metric}", title, f"{words}. The model explains {found.fit:.0%} of held-out results.", figure
    )

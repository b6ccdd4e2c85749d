"""What do the courses say? Ranks and regrets by budget, as tables and figures."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import groupby
from pathlib import Path
from statistics import fmean

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from rich.console import Console
from rich.table import Table

from benchmarks import contestants, versions
from benchmarks.courses import Course
from benchmarks.problems import has_curves, has_expensive, has_rare, left_out, table_of, unordered
from benchmarks.standings import BUDGETS, Losses, Standing, by_table, common, loss_at, significance, standings
from nas.runs.disk import replacing, write_atomically

OURS, BASELINE = "engine", "random search"
JUDGED_AT = 100  # full trainings, or as many as there are
INCOMPARABLE = f"no table, for no search to {BUDGETS[0]} full trainings is there that all of them have run"


def losses(courses: Iterable[Course], budget: float) -> Losses:
    """Return what each contestant had by `budget`; those who failed before had what they had."""
    found = dict[str, dict[tuple[str, int], float]]()
    for course in courses:
        if course.budget >= budget:
            found.setdefault(course.contestant, {})[course.problem, course.seed] = loss_at(course.trace, budget)
    return found


def seldom(courses: Iterable[Course]) -> dict[str, int]:
    """Return how often those ran who ran less than half as often as others, as dear ones do.

    Where they are ranked, few searches are.
    """
    runs = Counter(course.contestant for course in courses)
    return {name: count for name, count in runs.items() if count < max(runs.values()) / 2}


def frequent(courses: Sequence[Course]) -> list[Course]:
    """Return the courses of who is not rare."""
    rare = seldom(courses)
    return [course for course in courses if course.contestant not in rare]


def with_rarer(courses: Sequence[Course], rare: Mapping[str, int]) -> Iterator[tuple[list[str], list[Course]]]:
    """Yield names of `rare`, from the most frequent to all, with the courses of those and of who is not rare."""
    for least in sorted(set(rare.values()), reverse=True):
        names = [name for name, runs in rare.items() if runs >= least]
        yield names, [course for course in courses if course.contestant not in rare.keys() - names]


def regrets(courses: Sequence[Course], budget: float) -> dict[str, dict[str, float]]:
    """Return each contestant's mean regret by `budget` on each problem where all have run and the best is known.

    0 is the best feasible configuration, 1 what random search has after 25 full trainings, or anything worse. Where
    mostly it has nothing by then, 1 is what it finds first, whenever that is.
    """
    known = {course.problem: course.best for course in courses if course.best is not None}
    found = losses((course for course in courses if course.problem in known), budget)
    usual = losses(courses, BUDGETS[0]).get(BASELINE, {})
    firsts, means = defaultdict[str, list[float]](list), dict[str, dict[str, float]]()
    for course in courses:
        if course.contestant == BASELINE and course.trace:
            firsts[course.problem].append(course.trace[0][1])
    for problem, meetings in groupby(common(found), lambda meeting: meeting[0]):
        seeds, best = list(meetings), known[problem]
        scale = float(np.median([usual.get(meeting, math.inf) for meeting in seeds])) - best
        if scale == math.inf:
            scale = float(np.median(firsts.get(problem, [math.inf]))) - best
        if 0 < scale < math.inf:
            for name, own in found.items():
                each = [min(1.0, (own[meeting] - best) / scale) for meeting in seeds]
                means.setdefault(name, {})[problem] = sum(each) / len(each)
    return means


def comparable(courses: Sequence[Course]) -> bool:
    """Return whether there are searches that all of the contestants have run."""
    return any(common(losses(courses, budget)) for budget in BUDGETS)


def rank_table(title: str, courses: list[Course]) -> Table:
    """Return average ranks by budget, and how sure it is that ours is better than each at JUDGED_AT.

    p is left out where too few tables are there for any to be below 0.05 after its correction.
    """
    by_budget = {budget: losses(courses, budget) for budget in BUDGETS}
    met = {budget: found for budget in BUDGETS if (found := common(by_budget[budget]))}
    judged = max((budget for budget in met if budget <= JUDGED_AT), default=next(iter(met)))
    there = {problem for problem, _ in met[judged]}
    tables = {table_of(problem) for problem in there}
    table = Table("contestant", *(f"{b}\n{len(met[b]):,} searches\namong {len(by_budget[b])}" for b in met))
    for column in (f"better,\nworse\nat {judged}", "p", f"CPU s\nto {judged}", "failed"):
        table.add_column(column)
    table.title = f"{title}: average rank by full trainings, {len(there)} problems of {len(tables)} tables"
    ranked = {budget: {each.contestant: each for each in standings(by_budget[budget])} for budget in met}
    compared = significance(by_budget[judged], OURS)
    enough_tables = len(compared) * 2 * 0.5 ** len(tables) < 0.05
    for name in dict.fromkeys([*ranked[judged], *ranked[next(iter(met))]]):  # some may have run for less
        own = [course for course in courses if course.contestant == name]
        shares, p = "", ""
        if found := compared.get(name):
            shares, p = f"{found.better:.0%}, {found.worse:.0%}", f"{found.p:.2g}" if enough_tables else ""
        failed = sum(bool(course.error) for course in own)
        ranks = [told(ranked[budget].get(name)) for budget in met]
        table.add_row(name, *ranks, shares, p, cost(own, judged), str(failed))
    return table


def cost(own: Sequence[Course], budget: float) -> str:
    """Return the mean CPU seconds of searches to that budget, on whatever problems, or to the most usual one."""
    usual = Counter(course.budget for course in own).most_common(1)[0][0]
    reached = budget if any(course.budget == budget for course in own) else usual
    seconds = fmean(course.seconds for course in own if course.budget == reached)
    return f"{seconds:.1f}" + (f" to {reached:g}" if reached != budget else "")


def told(standing: Standing | None) -> str:
    """Return a rank with its interval, which one table does not have."""
    if standing is None:
        return ""
    interval = f" ({standing.low:.2f}-{standing.high:.2f})" if standing.low < standing.high else ""
    return f"{standing.rank:.2f}{interval}"


def regret_table(title: str, courses: list[Course]) -> Table:
    """Return mean regrets by budget, every table counting as much, the least at JUDGED_AT first."""
    by_budget = {budget: found for budget in BUDGETS if (found := regrets(courses, budget))}
    table = Table("contestant", title=f"{title}: mean regret by full trainings, 1 is random search's at {BUDGETS[0]}")
    for budget, found in by_budget.items():
        table.add_column(f"{budget}\n{len(next(iter(found.values())))} problems")
    judged = max((budget for budget in by_budget if budget <= JUDGED_AT), default=BUDGETS[0])
    rows = {
        name: {
            budget: fmean(fmean(each) for each in by_table(found[name]))
            for budget, found in by_budget.items()
            if name in found
        }
        for name in by_budget.get(judged, {})
    }
    for name, row in sorted(rows.items(), key=lambda item: item[1][judged]):
        table.add_row(name, *(f"{row[budget]:.3f}" if budget in row else "" for budget in by_budget))
    return table


def figure(courses: list[Course], file: Path) -> None:
    """Draw average ranks over the budget, a line for each stretch of budgets to which the same searches went."""
    budgets = sorted({*range(5, 25, 5), *(round(25 * 2 ** (i / 4)) for i in range(17))})
    ranked = {b: {s.contestant: s for s in standings(losses(courses, b))} for b in budgets}
    searches = {b: len(common(losses(courses, b))) for b in budgets}
    stretches = groupby(budgets, lambda b: (searches[b], sorted(ranked[b])))
    palette = [*colormaps["tab20"].colors[::2], *colormaps["tab20"].colors[1::2]]
    colours = {
        name: palette[i] for i, name in enumerate(contestants.NAMES) if any(name in found for found in ranked.values())
    }
    drawing = Figure(figsize=(9.5, 4.5), layout="constrained")
    axes = drawing.add_subplot()
    for (count, names), each in stretches:
        stretch = list(each)
        for name in names:
            own, width = [ranked[b][name] for b in stretch], 2.6 if name == OURS else 1.2
            axes.plot(stretch, [s.rank for s in own], color=colours[name], linewidth=width)
            if name == OURS:
                axes.fill_between(stretch, [s.low for s in own], [s.high for s in own], color=colours[name], alpha=0.2)
        middle = (stretch[0] * stretch[-1]) ** 0.5
        text = f"{count:,} searches\namong {len(names)}" if count else ""
        axes.text(middle, 0.01, text, transform=axes.get_xaxis_transform(), ha="center", fontsize=8)
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    reached = [b for b in (5, 10, *BUDGETS) if ranked[b]]
    axes.set_xticks(reached, [str(b) for b in reached])
    axes.invert_yaxis()
    axes.set(xlabel="full trainings", ylabel="average rank, 1 is best")
    for name, colour in colours.items():
        axes.plot([], [], color=colour, label=name, linewidth=2)
    if any(own.low < own.high for found in ranked.values() if (own := found.get(OURS))):  # one table has none
        axes.fill_between([], [], color=colours[OURS], alpha=0.2, label=f"{OURS}, 95 % interval")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    with rc_context({"svg.hashsalt": "quality"}), replacing(file) as temporary:  # the same ranks are the same file
        drawing.savefig(temporary, format="svg", metadata={"Date": None})


def groups(courses: Iterable[Course]) -> dict[str, list[Course]]:
    """Return what is shown together, by title."""
    found = dict[str, list[Course]]()
    for course in courses:
        problem, kind = course.problem, "learning curves" if has_curves(course.problem) else "full trainings only"
        titles = {kind: True, f"left out of the design, {kind}": left_out(problem)}
        if course.contestant not in contestants.MULTI_FIDELITY:
            titles |= {
                "all": True, "unordered categoricals": unordered(problem),
                "expensive constraints": has_expensive(problem), "rare expensive constraints": has_rare(problem),
            }  # fmt: skip
        for title in (title for title, there in titles.items() if there):
            found.setdefault(title, []).append(course)
    return dict(sorted(found.items()))


def show(courses: list[Course], results: Path, whole: bool) -> None:
    """Print the tables of `courses`, which `results` keeps, tables and figures as well where that is the `whole`."""
    text = tables(courses) + versions.told(results) + "\n"
    print(text, end="", flush=True)
    if not whole:
        return
    write_atomically(results / "tables.txt", text)
    for title, group in groups(courses).items():
        often = frequent(group)
        if comparable(often):
            figure(often, results / f"{title.replace(',', '').replace(' ', '-')}.svg")


def tables(courses: Sequence[Course]) -> str:
    """Return all tables as text, and the errors of those who failed."""
    console = Console(width=200, record=True, file=StringIO())
    for title, group in groups(courses).items():
        often, rare = frequent(group), seldom(group)
        if comparable(often):
            console.print(rank_table(title, often))
            if (table := regret_table(title, often)).row_count:
                console.print(table)
        else:
            console.print(f"{title}: {INCOMPARABLE}")
        for names, also in with_rarer(group, rare):
            named = f"{title}, with {' and '.join(names)}"
            console.print(rank_table(named, also) if comparable(also) else f"{named}: {INCOMPARABLE}")
    for error in sorted({f"{course.contestant}: {course.error}" for course in courses if course.error}):
        console.print(f"failed: {error}", soft_wrap=True, markup=False)
    return console.export_text()

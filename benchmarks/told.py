"""python -m benchmarks.told: how far does the engine get that knows 1,000 results before it begins?

They are drawn at random from a table that is listed whole, and cost nothing. Where the engine then finds little more
than one that knew nothing, no neighbour tells of what is left. On problems with a constraint that only training shows.
The courses of the others are those that `benchmarks.quality` has kept.
"""

import argparse
from itertools import product
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import problems
from benchmarks.command import run
from benchmarks.contestants import TOLD
from benchmarks.courses import Course, run_all
from benchmarks.kept import keep, kept, locked
from benchmarks.quality import RESULTS
from benchmarks.report import BASELINE, regrets
from nas.cli.flags import value
from nas.core.errors import UserError
from nas.core.units import positive

BESIDE = ("engine", "Optuna TPE", BASELINE)
BUDGETS = (25, 50, 100)
KINDS = {"mlp-": "perceptrons", "graph-": "graph networks"}
ASKED = tuple(name for name in problems.NAMES if name.startswith(tuple(KINDS)) and problems.has_expensive(name))


def flags() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--problems", nargs="+", default=list(ASKED), choices=ASKED, metavar="TABLE/KIND/SHARE")
    add("--seeds", type=value(positive), default=3)
    add("--processes", type=value(positive), default=2)
    add("--results", type=Path, default=RESULTS.with_name("told"), metavar="DIR", help="where courses are kept")
    return parser


def shown(title: str, courses: list[Course]) -> Table:
    """Return the mean regret of each contestant on the problems and seeds that all have, by budget.

    Raises UserError where there are none.
    """
    by_budget = [regrets(courses, budget) for budget in BUDGETS]
    if not all(TOLD in found and found[TOLD] for found in by_budget):
        raise UserError(f"{RESULTS} keeps nothing to compare {title} with: run benchmarks.quality on them first")
    table = Table("mean regret", *map(str, BUDGETS), title=f"{title}, problems: {len(by_budget[-1][TOLD])}")
    for name in by_budget[-1]:
        table.add_row(name, *(f"{fmean(found[name].values()):.3f}" for found in by_budget))
    return table


def main() -> int:
    asked = flags().parse_args()
    there = {course.key for course in kept(asked.results)}
    keys = [(TOLD, problem, seed) for seed, problem in product(range(asked.seeds), asked.problems)]
    missing = [(key, float(BUDGETS[-1])) for key in keys if key not in there]
    with locked(asked.results), Progress(console=Console(stderr=True)) as bar:
        for course in bar.track(run_all(missing, asked.processes), len(missing), description="searches"):
            keep(asked.results, course)
    own = [course for course in kept(asked.results) if course.key in keys]
    beside = [course for course in kept(RESULTS) if course.contestant in BESIDE and course.problem in asked.problems]
    for prefix, title in KINDS.items():
        if courses := [course for course in own + beside if course.problem.startswith(prefix)]:
            Console().print(shown(title, courses))
    return 0


if __name__ == "__main__":
    run(main)

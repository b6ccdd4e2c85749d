"""python -m benchmarks.quality: who finds the best feasible configuration with so many full trainings?

Every contestant runs on every problem with the same seeds. Courses are kept in --results, so a run goes on where it
was. What is shown is of all that is there: ranks on problems that all of a table's contestants have run on. Tables and
figures are kept, too, where nothing is left out of them.
"""

import argparse
from collections.abc import Iterable
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks import contestants, problems, report, versions
from benchmarks.command import run
from benchmarks.courses import Course, Key, run_all
from benchmarks.kept import forget, keep, kept, locked
from benchmarks.standings import BUDGETS
from nas.cli.flags import value
from nas.core.errors import UserError
from nas.core.units import count, positive

RESULTS = Path("benchmarks/results/quality")
ELSEWHERE = "give other --results"
NOT_EVERYWHERE = (
    "some run on learning curves only, the dearest where a fifth is feasible, unless --seeds and --budget are given"
)
FEW_ARE_LONG = ("graph-", "mlp-", "Optuna TPE, rejection")  # tables and a contestant that joined when hours were spent
QUICK = {
    "problems": [
        "protein_structure/both/20", "naval_propulsion/both/5", "jannis/cheap/20", "CIFAR100-SCENE15/expensive/20",
    ],
    "contestants": [name for name in contestants.NAMES if name != "Optuna GP"],  # it alone takes five minutes
    "seeds": 2, "budget": 50, "results": RESULTS.with_name("quick"), "afresh": True,
}  # fmt: skip


def takes_part(contestant: str, problem: str) -> bool:
    """Return whether there is something for the contestant on this problem: shorter trainings, for some."""
    return contestant not in contestants.MULTI_FIDELITY or problems.has_curves(problem)


def extent(contestant: str, problem: str) -> list[tuple[int, float]]:
    """Return how many seeds are run to how many full trainings where nothing is asked: what some hours allow."""
    long = problems.has_middle_share(problem)
    few_are_long = problem.startswith(FEW_ARE_LONG) or contestant in FEW_ARE_LONG
    if contestant in contestants.DEAR:  # they take minutes, others seconds
        return [contestants.DEAR[contestant] if long and not few_are_long else (0, 0)]
    if contestant in contestants.MULTI_FIDELITY or not long:
        return [(20, 100)]
    return [(20, 100), (5, 400)] if few_are_long else [(20, 400)]


def missing(asked: argparse.Namespace, staying: Iterable[Course]) -> list[tuple[Key, float]]:
    """Return which searches are asked for and not among those `staying`, with their budgets, first seeds first."""
    there = {course.key: course.budget for course in staying if not course.died}
    searches = dict[Key, float]()
    for contestant, problem in product(asked.contestants, asked.problems):
        if not takes_part(contestant, problem):
            continue
        extents = extent(contestant, problem)
        usual = extents[0]
        for seed in range(usual[0] if asked.seeds is None else asked.seeds):
            longest = max((budget for seeds, budget in extents if seed < seeds), default=usual[1])
            searches[contestant, problem, seed] = asked.budget or longest
    left = [(key, budget) for key, budget in searches.items() if there.get(key, 0) < budget]
    return sorted(left, key=lambda search: search[0][2])


def is_asked_for(course: Course, asked: argparse.Namespace) -> bool:
    return course.contestant in asked.contestants and course.problem in asked.problems


def flags() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--problems", nargs="+", default=list(problems.NAMES), choices=problems.NAMES, metavar="TABLE/KIND/SHARE")
    add("--contestants", nargs="+", default=list(contestants.NAMES), choices=contestants.NAMES, metavar="NAME")
    add("--seeds", type=value(count), help="20; of the dearest 1 or 3, where a fifth is feasible")
    add("--budget", type=value(enough), help="full trainings: 100, or 400 where a fifth is feasible, or 5 % of mlp-*")
    add("--processes", type=value(positive), default=2)
    add("--results", type=Path, default=RESULTS, metavar="DIR", help="where courses are kept")
    add("--afresh", action="store_true", help="do not go on from what is kept: the search has changed")
    add(
        "--quick", action="store_true",
        help="afresh; unless flags say otherwise four problems, two seeds, 50 full trainings, without Optuna's GP",
    )  # fmt: skip
    return parser


def enough(text: str) -> int:
    return count(text, least=BUDGETS[0])  # there are no ranks before


def asked_for(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Return the flags, of which --quick changes the defaults."""
    asked = parser.parse_args()
    if asked.quick:
        parser.set_defaults(**QUICK)
        asked = parser.parse_args()
    return asked


def run_missing(asked: argparse.Namespace) -> None:
    """Run and keep what is asked for and not kept yet.

    Raises UserError where it cannot be run, and then forgets nothing.
    """
    staying = [course for course in kept(asked.results) if not (asked.afresh and is_asked_for(course, asked))]
    searches = missing(asked, staying)
    if not searches:
        return
    if asked.quick and asked.results.resolve() == RESULTS.resolve():
        raise UserError(f"--quick measures afresh, and {RESULTS} would lose what hours have measured: {ELSEWHERE}")
    if staying and (others := versions.differing(asked.results)):
        raise UserError(f"{asked.results} was measured with other versions, now {', '.join(others)}: {ELSEWHERE}")
    for name in {problems.table_of(problem) for (_, problem, _), _ in searches}:
        problems.table(name)  # if it cannot be read, that is told now
    with locked(asked.results):
        if asked.afresh:
            forget(asked.results, asked.contestants, asked.problems)
        versions.note(asked.results)
        with Progress(console=Console(stderr=True)) as bar:
            for course in bar.track(run_all(searches, asked.processes), len(searches), description="searches"):
                keep(asked.results, course)


def show_kept(asked: argparse.Namespace) -> None:
    """Print what the kept courses say. Raises UserError where there are none."""
    courses = kept(asked.results)
    chosen = [course for course in courses if is_asked_for(course, asked)]
    if not chosen:
        raise UserError(f"{asked.results} keeps nothing of what is asked for; {NOT_EVERYWHERE}")
    report.show(chosen, asked.results, whole=len(chosen) == len(courses))


def main() -> int:
    asked = asked_for(flags())
    if asked.results.exists() and not asked.results.is_dir():
        raise UserError(f"{asked.results} is no folder: {ELSEWHERE}")
    run_missing(asked)
    show_kept(asked)
    return 0


if __name__ == "__main__":
    run(main)

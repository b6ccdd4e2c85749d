"""python -m benchmarks.quality: who finds the best feasible configuration with so many full trainings?

Every contestant runs on every problem with the same seeds. Courses are kept in --results, so a run goes on where it
was. What is shown is of all that is there: ranks on problems that all of a table's contestants have run on. Tables and
figures are kept, too, where nothing is left out of them.
"""

import argparse
import sys
from collections.abc import Iterable
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks import contestants, problems, report, versions
from benchmarks.courses import Course, Key, forget, keep, kept, run_all
from nas.units import count, positive

RESULTS = Path("benchmarks/results/quality")
QUICK = ("protein_structure/both/20", "naval_propulsion/both/5", "jannis/cheap/20", "CIFAR100-SCENE15/expensive/20")


def takes_part(contestant: str, problem: str) -> bool:
    """Return whether there is something for the contestant on this problem: shorter trainings, for some."""
    return contestant not in contestants.MULTI_FIDELITY or problems.has_curves(problem)


def extent(contestant: str, problem: str) -> tuple[int, float]:
    """Return how many seeds and full trainings are run where nothing is asked: what some hours on two cores allow."""
    a_fifth_is_feasible = problem.endswith("/20")
    if contestant in contestants.DEAR:
        return contestants.DEAR[contestant] if a_fifth_is_feasible else (0, 0)  # they take minutes, others seconds
    return 20, 400 if a_fifth_is_feasible and contestant not in contestants.MULTI_FIDELITY else 100


def missing(asked: argparse.Namespace, staying: Iterable[Course]) -> list[tuple[Key, float]]:
    """Return which searches are asked for and not among those `staying`, with their budgets, first seeds first."""
    there = {course.key: course.budget for course in staying}
    searches = list[tuple[Key, float]]()
    for contestant, problem in dict.fromkeys(product(asked.contestants, asked.problems)):
        seeds, budget = extent(contestant, problem)
        seeds, budget = seeds if asked.seeds is None else asked.seeds, asked.budget or budget
        keys = [(contestant, problem, seed) for seed in range(seeds if takes_part(contestant, problem) else 0)]
        searches += [(key, budget) for key in keys if there.get(key, 0) < budget]
    return sorted(searches, key=lambda search: search[0][2])


def is_asked_for(course: Course, asked: argparse.Namespace) -> bool:
    return course.contestant in asked.contestants and course.problem in asked.problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=list(problems.NAMES), metavar="TABLE/KIND/SHARE")
    parser.add_argument("--contestants", nargs="+", default=list(contestants.NAMES), metavar="NAME")
    parser.add_argument("--seeds", type=count, help="20; of the dearest 1 or 3, where a fifth is feasible")
    parser.add_argument("--budget", type=positive, help="full trainings: 400 where a fifth is feasible, elsewhere 100")
    parser.add_argument("--processes", type=positive, default=2)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    parser.add_argument(
        "--quick", action="store_true", help="four problems, two seeds, 50 full trainings, without Optuna's GP"
    )
    parser.add_argument("--afresh", action="store_true", help="do not go on from what is kept: the search has changed")
    asked = parser.parse_args()
    if asked.quick:
        asked.problems, asked.seeds, asked.budget, asked.afresh = list(QUICK), 2, 50, True
        asked.results = RESULTS.with_name("quick")
        asked.contestants = [name for name in asked.contestants if name != "Optuna GP"]  # it alone takes five minutes
    unknown = [name for name in asked.problems if name not in problems.NAMES]
    unknown += [name for name in asked.contestants if name not in contestants.NAMES]
    if unknown:
        parser.error(
            f"unknown: {', '.join(unknown)}; problems are {', '.join(problems.NAMES)}; "
            f"contestants {', '.join(contestants.NAMES)}"
        )
    if asked.results.exists() and not asked.results.is_dir():
        parser.error(f"{asked.results} is no folder: give other --results")
    staying = [course for course in kept(asked.results) if not (asked.afresh and is_asked_for(course, asked))]
    searches = missing(asked, staying)
    if searches and staying and (others := versions.differing(asked.results)):
        parser.error(f"{asked.results} was measured with other versions, now {', '.join(others)}: give other --results")
    if searches and not problems.DATA.exists():
        parser.error(f"{problems.DATA} with the tables is not there: --seeds 0 shows what is kept")
    if searches:
        if asked.afresh:
            forget(asked.results, asked.contestants, asked.problems)
        versions.note(asked.results)
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("searches", total=len(searches))
        for course in run_all(searches, asked.processes):
            keep(asked.results, course)
            bar.advance(task)
    courses = kept(asked.results)
    chosen = [course for course in courses if is_asked_for(course, asked)]
    if not chosen:
        parser.error(f"{asked.results} keeps nothing of what is asked for")
    report.show(chosen, asked.results, whole=len(chosen) == len(courses))
    return 0


if __name__ == "__main__":
    sys.exit(main())

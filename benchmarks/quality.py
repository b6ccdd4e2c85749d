"""python -m benchmarks.quality: who finds the best feasible configuration with so many full trainings?

Every contestant runs on every problem with the same seeds. Results are kept, one file a problem, so a run goes on
where it was; the tables are of everything that is there.
"""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks import contestants, problems
from benchmarks.meter import Meter

RESULTS = Path("benchmarks/results/quality")


@dataclass(frozen=True)
class Course:
    """What a contestant had found on a problem by when: pairs of full trainings spent and best feasible loss.

    `error` tells why it ended before its budget was spent, if it did.
    """

    contestant: str
    problem: str
    seed: int
    budget: float
    trace: list[tuple[float, float]]
    seconds: float
    error: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        return self.contestant, self.problem, self.seed


def run(contestant: str, problem: str, seed: int, budget: float) -> Course:
    """Return the course of one contestant."""
    meter, began, error = Meter(problems.problem(problem), budget), time.process_time(), ""
    try:
        contestants.contestant(contestant)(meter, seed)
    except Exception as caught:
        error = f"{type(caught).__name__}: {caught} ({traceback.format_exc().splitlines()[-2].strip()})"[:500]
    return Course(contestant, problem, seed, budget, meter.trace, round(time.process_time() - began, 2), error)


def kept(folder: Path) -> Iterator[Course]:
    """Yield the courses that are kept in `folder`."""
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            yield Course(**json.loads(line))


def keep(folder: Path, course: Course) -> None:
    """Add `course` to what is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{course.problem.replace('/', '-')}.jsonl").open("a") as file:
        file.write(json.dumps(asdict(course)) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=list(problems.NAMES), metavar="TABLE/KIND/SHARE")
    parser.add_argument("--contestants", nargs="+", default=list(contestants.NAMES), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--budget", type=float, default=400, help="full trainings")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    asked = parser.parse_args()
    there = {course.key for course in kept(asked.results) if course.budget >= asked.budget}
    wanted = [(c, p, seed) for seed in range(asked.seeds) for p in asked.problems for c in asked.contestants]
    missing = [key for key in wanted if key not in there and takes_part(*key[:2])]
    context = get_context("spawn")
    with Progress(console=Console(stderr=True)) as bar, ProcessPoolExecutor(asked.processes, context) as pool:
        task = bar.add_task("searches", total=len(missing))
        for done in as_completed([pool.submit(run, *key, asked.budget) for key in missing]):
            keep(asked.results, done.result())
            bar.advance(task)
    return 0


def takes_part(contestant: str, problem: str) -> bool:
    """Return whether there is something for the contestant on this problem: shorter trainings, for some."""
    return contestant not in contestants.MULTI_FIDELITY or problems.TABLES[problem.split("/")[0]].min_epochs > 1


if __name__ == "__main__":
    sys.exit(main())

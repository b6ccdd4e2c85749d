"""What did each contestant find on each problem by when? Run, and kept as lines of JSON, one file a problem."""

import json
import os
import threading
import time
import traceback
import warnings
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path

from pebble import ProcessExpired, ProcessPool

from benchmarks import contestants, problems
from benchmarks.meter import Meter

Key = tuple[str, str, int]  # contestant, problem, seed


@dataclass(frozen=True)
class Course:
    """Pairs of full trainings spent and best feasible loss, whenever that got better; CPU seconds it took in all.

    `best` is the least feasible loss there is, if known, `worst` the largest of random configurations. `error` tells
    why it ended before its budget was spent, if it did.
    """

    contestant: str
    problem: str
    seed: int
    budget: float
    trace: list[tuple[float, float]]
    seconds: float
    best: float | None
    worst: float
    error: str = ""

    @property
    def key(self) -> Key:
        return self.contestant, self.problem, self.seed


def run(contestant: str, problem: str, seed: int, budget: float) -> Course:
    """Return the course of one contestant."""
    warnings.simplefilter("ignore")  # of peers, by the thousand
    found = problems.problem(problem)
    meter, began, error = Meter(found, budget), time.process_time(), ""
    try:
        contestants.contestant(contestant)(meter, seed)
    except (Exception, SystemExit) as caught:
        where = traceback.extract_tb(caught.__traceback__)[-1]
        error = f"{type(caught).__name__}: {caught} ({Path(where.filename).name}, line {where.lineno})"[:300]
    seconds = round(time.process_time() - began, 2)
    return Course(contestant, problem, seed, budget, meter.trace, seconds, found.best, found.worst, error)


def run_all(searches: Iterable[tuple[Key, float]], processes: int) -> Iterator[Course]:
    """Yield the courses of all keys and budgets as they come, run in processes of their own, which may die."""
    use_one_thread()
    pool = ProcessPool(processes, context=get_context("spawn"), initializer=_end_with_the_parent)
    try:
        asked = {pool.schedule(run, args=(*key, budget)): (key, budget) for key, budget in searches}
        for done in as_completed(asked):
            try:
                yield done.result()
            except ProcessExpired as death:
                (contestant, name, seed), budget = asked[done]
                found, error = problems.problem(name), f"its process died with exit code {death.exitcode}"
                yield Course(contestant, name, seed, budget, [], 0.0, found.best, found.worst, error)
    finally:
        pool.stop()
        pool.join()


def _end_with_the_parent() -> None:
    """Leave no search at work when the process that asked for it was killed."""

    def watch() -> None:
        parent = parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def use_one_thread() -> None:
    """Let the processes that are started from now on use one thread each."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")


def kept(folder: Path) -> list[Course]:
    """Return the courses that are kept in `folder`: of those with the same key, the one with the largest budget."""
    lines = [line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]
    courses = sorted((Course(**json.loads(line)) for line in lines), key=lambda course: course.budget)
    return list({course.key: course for course in courses}.values())


def forget(folder: Path, contestants: Container[str], problems: Container[str]) -> None:
    """Keep no longer what these contestants did on these problems."""
    for file in folder.glob("*.jsonl"):
        courses = [Course(**json.loads(line)) for line in file.read_text().splitlines()]
        left = [each for each in courses if each.contestant not in contestants or each.problem not in problems]
        file.write_text("".join(f"{json.dumps(asdict(course))}\n" for course in left))


def keep(folder: Path, course: Course) -> None:
    """Add `course` to what is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{course.problem.replace('/', '-')}.jsonl").open("a") as file:
        file.write(json.dumps(asdict(course)) + "\n")

"""What did each contestant find on each problem by when?"""

import time
import traceback
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path

from pebble import ProcessExpired

from benchmarks import contestants, problems
from benchmarks.meter import Meter
from benchmarks.processes import pool, use_one_thread
from nas.core.errors import UserError

LEAVE_OUT = "name others by --contestants"
Key = tuple[str, str, int]  # contestant, problem, seed


@dataclass(frozen=True)
class Course:
    """Pairs of full trainings spent and best feasible loss, whenever that got better; CPU seconds it took in all.

    `best` is the least feasible loss there is, if known, `worst` the largest of random configurations. `error` tells
    why it ended before its budget was spent, if it did; `died` that it did not end by itself.
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
    died: bool = False

    @property
    def key(self) -> Key:
        return self.contestant, self.problem, self.seed


def run(contestant: str, problem: str, seed: int, budget: float) -> Course:
    """Return the course of one contestant. Raises UserError where its package or the problem's table is not here."""
    warnings.simplefilter("ignore")  # of peers, by the thousand
    try:
        enter, found = contestants.contestant(contestant), problems.problem(problem)
    except ImportError as lacking:
        package = lacking.name or lacking
        raise UserError(f"{contestant} needs {package}, which the extra [bench] installs: {LEAVE_OUT}") from None
    meter, began, error, died = Meter(found, budget), time.process_time(), "", False
    try:
        enter(meter, seed)
    except KeyboardInterrupt:  # Ctrl-C it does not hear
        error, died = "a signal stopped it", True
    except (Exception, SystemExit) as caught:
        where = traceback.extract_tb(caught.__traceback__)[-1]
        error = f"{type(caught).__name__}: {caught} ({Path(where.filename).name}, line {where.lineno})"[:300]
    seconds = round(time.process_time() - began, 2)
    return Course(contestant, problem, seed, budget, meter.trace, seconds, found.best, found.worst, error, died)


def run_all(searches: Iterable[tuple[Key, float]], processes: int) -> Iterator[Course]:
    """Yield the courses of all keys and budgets as they come, run in processes of their own, which may die.

    Raises UserError where a package or table is not here, BrokenProcessPool where processes die before they begin.
    """
    use_one_thread()
    with pool(processes) as workers:
        asked = {workers.schedule(run, args=(*key, budget)): (key, budget) for key, budget in searches}
        for done in as_completed(asked):
            try:
                yield done.result()
            except ProcessExpired as death:
                (contestant, name, seed), budget = asked[done]
                found, error = problems.problem(name), f"its process died with exit code {death.exitcode}"
                yield Course(contestant, name, seed, budget, [], 0.0, found.best, found.worst, error, died=True)

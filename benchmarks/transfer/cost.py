"""python -m benchmarks.transfer.cost: what does an answer cost in time and memory, with all of HyperRec known?"""

import argparse
import resource
from time import process_time

import numpy as np

from benchmarks.command import run
from benchmarks.transfer.cases import Case
from benchmarks.transfer.old import known
from benchmarks.transfer.source import add_folders, databases

_QUERIES = 50
_COLUMNS = (
    "model", "tasks x configurations x knots", "first answer, CPU s", "query, mean CPU ms", "most CPU ms", "peak MB",
    "before MB",
)  # fmt: skip


def main() -> int:
    """Print a line of a table in markdown: one model a process, whose peak of memory is told."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_folders(parser)
    parser.add_argument("--model", choices=("mixture", "at2"), default="mixture")
    asked = parser.parse_args()
    database = next(databases(asked))
    began, imported = process_time(), _peak()
    from nas.transfer.models import learn

    every = asked.model == "at2"
    past = known(database, Case(database.tasks, database.tasks[0], 0)).past(every)
    belief = learn(past, asked.model)
    belief.best()
    first = process_time() - began
    seconds, new = list[float](), np.maximum.accumulate(database.accuracy[1, 0], axis=1)
    done = np.zeros(len(past.features), dtype=int)
    for _ in range(_QUERIES):
        began = process_time()
        if (config := belief.next()) is None:
            break
        belief = belief.tell(config, int(done[config]), float(new[config, past.knots[done[config]] - 1]))
        belief.best()
        seconds.append(process_time() - began)
        done[config] += 1
    print("| " + " | ".join(_COLUMNS) + " |")
    print("|---" * len(_COLUMNS) + "|")
    shape = " x ".join(map(str, past.values.shape))
    print(
        f"| {asked.model} | {shape} | {first:.2f} | {1000 * np.mean(seconds):.0f} | {1000 * max(seconds):.0f} "
        f"| {_peak():.0f} | {imported:.0f} |"
    )
    return 0


def _peak() -> float:
    """Return the most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    run(main)

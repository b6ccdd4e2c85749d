"""python -m benchmarks.transfer.held_out: does a model rank configurations that no task has ever seen?

Of the 100 configurations 30 are held out of all old tasks, by three fixed choices, with the first seed of the data.
Before any epoch on the new task their best accuracies are predicted; the rank correlation with the truth is of those 30
alone. Beside it stands a random forest that predicts mean ranks from hyperparameters.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import run
from benchmarks.transfer.cases import Case, cases
from benchmarks.transfer.database import NAMES, Database, Floats
from benchmarks.transfer.old import Old, known
from benchmarks.transfer.source import add_folders, databases
from nas.runs.disk import write_atomically

HELD_OUT, CHOICES = 30, 3
Predict = Callable[[Old, NDArray[np.int64]], Floats]  # of what is known, and who is held out: a score of each, [N]


def main() -> int:
    """Predict what is missing in the file of --results, then print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_folders(parser)
    parser.add_argument("--methods", nargs="+", choices=tuple(METHODS), default=list(METHODS), metavar="NAME")
    asked = parser.parse_args()
    file = asked.results / "held-out.json"
    found: dict[str, float] = json.loads(file.read_text()) if file.exists() else {}
    for database in databases(asked):
        for key, correlation in _missing(database, asked.methods, found):
            found[key] = correlation
            write_atomically(file, json.dumps(found, indent=0) + "\n")
    text = "\n".join(_table(found))
    print(text)
    write_atomically(asked.results / "held-out.md", text + "\n")
    return 0


def held_out(choice: int, configs: int) -> NDArray[np.int64]:
    """Return which configurations are held out."""
    return np.sort(np.random.default_rng(choice).permutation(configs)[:HELD_OUT])


def correlation(database: Database, case: Case, choice: int, predict: Predict) -> float:
    """Return Spearman's correlation of what is predicted of held-out configurations and their best accuracies."""
    from scipy.stats import spearmanr

    old, out = known(database, case), held_out(choice, len(database.features))
    curves = old.curves.copy()
    curves[:, out] = np.nan
    truth = database.curves(case.seed, case.new)[0].max(axis=1)
    return float(spearmanr(predict(replace(old, curves=curves), out)[out], truth[out]).statistic)


def _missing(database: Database, methods: list[str], found: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    for name in methods:
        for case in (each for each in cases(database, "leave-one-out") if not each.seed):
            for choice in range(CHOICES):
                key = f"{database.name}/{name}/{case.new}/{choice}"
                if key not in found:
                    yield key, correlation(database, case, choice, METHODS[name])


def _table(found: Mapping[str, float]) -> Iterator[str]:
    """Yield the lines: mean and standard error over tasks, and the share of tasks above 0.5."""
    yield "| Spearman's correlation, 30 of 100 configurations held out | mean | least task | tasks above .5 |"
    yield "|---|---|---|---|"
    for database in NAMES:
        for name in METHODS:
            own: dict[str, list[float]] = {}
            for key, value in found.items():
                of, method, task, *_ = key.split("/")
                if (of, method) == (database, name):
                    own.setdefault(task, []).append(value)
            if own:
                tasks = np.array([np.nanmean(each) for each in own.values()])
                error = tasks.std(ddof=1) / len(tasks) ** 0.5
                cells = f"{tasks.mean():.3f} ± {error:.3f} | {tasks.min():.2f} | {(tasks > 0.5).sum()} of {len(tasks)}"
                yield f"| {database}, {name} | {cells} |"


def _of_model(model: str) -> Predict:
    def predict(old: Old, out: NDArray[np.int64]) -> Floats:
        from nas.transfer.models import learn

        return learn(old.past(), model).forecast().mean[:, -1]

    return predict


def _forest(old: Old, out: NDArray[np.int64]) -> Floats:
    from scipy.stats import rankdata
    from sklearn.ensemble import RandomForestRegressor

    there = np.setdiff1d(np.arange(len(old.features)), out)
    ranked = rankdata(old.curves[:, there].max(axis=2), axis=1).mean(axis=0)
    forest = RandomForestRegressor(200, random_state=0, n_jobs=1).fit(old.features[there], ranked)
    return np.asarray(forest.predict(old.features))


METHODS: Mapping[str, Predict] = {"mixture": _of_model("mixture"), "AT2": _of_model("at2"), "random forest": _forest}

if __name__ == "__main__":
    run(main)

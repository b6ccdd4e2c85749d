"""Who is ahead after so many full trainings, and is it more than luck?"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, wilcoxon
from statsmodels.stats.multitest import multipletests

from benchmarks.problems import table_of

BUDGETS = (25, 50, 100, 200, 400)
Losses = Mapping[str, Mapping[tuple[str, int], float]]  # by contestant, then by problem and seed
_RESAMPLES = 2000
T = TypeVar("T")


@dataclass(frozen=True)
class Standing:
    """The average rank of a contestant, 1 being the best, with a 95 % confidence interval."""

    contestant: str
    rank: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """p that a contestant is as good as ours, and on what share of the searches ours is better, and worse."""

    p: float
    better: float
    worse: float


def loss_at(trace: Sequence[tuple[float, float]], budget: float) -> float:
    """Return the best feasible loss by the time `budget` was spent; infinity where there was none."""
    return min((loss for spent, loss in trace if spent <= budget), default=float("inf"))


def standings(losses: Losses) -> list[Standing]:
    """Return the contestants, the best first, ranked on every problem and seed that all of them have.

    Ties share their ranks, every table counts as much, and so does every problem of a table. The interval is by the
    bootstrap over tables: neither the seeds of a problem are independent nor the problems of a table, which differ in
    their bounds alone.
    """
    names, meetings = list(losses), common(losses)
    if not meetings:
        return []
    rows = defaultdict[str, list[NDArray[np.float64]]](list)
    for meeting in meetings:
        rows[meeting[0]].append(rankdata([losses[name][meeting] for name in names]))
    of_problems = by_table({problem: np.mean(ranks, axis=0) for problem, ranks in rows.items()})
    of_tables = np.array([np.mean(each, axis=0) for each in of_problems])
    drawn = np.random.default_rng(0).integers(len(of_tables), size=(_RESAMPLES, len(of_tables)))
    low, high = np.quantile(of_tables[drawn].mean(axis=1), [0.025, 0.975], axis=0)
    found = zip(names, of_tables.mean(axis=0), low, high, strict=True)
    return sorted((Standing(*row) for row in found), key=lambda standing: standing.rank)


def by_table(of_problems: Mapping[str, T]) -> list[list[T]]:
    """Return what there is of the problems, those of the same table together."""
    tables = defaultdict[str, list[T]](list)
    for problem, found in of_problems.items():
        tables[table_of(problem)].append(found)
    return list(tables.values())


def common(losses: Losses) -> list[tuple[str, int]]:
    """Return the problems and seeds on which all have run."""
    each = [set(found) for found in losses.values()]
    return sorted(set.intersection(*each)) if each else []


def significance(losses: Losses, ours: str) -> dict[str, Comparison]:
    """Return how each other contestant compares with `ours`, p corrected by Holm; nothing where ours has not run.

    Wilcoxon's signed-rank test, one pair a table, since neither its problems nor their seeds are independent: of n
    tables p is 2 / 2^n or more. Losses of different problems have different scales, so what is compared is the mean
    place of each among all losses on a problem, from 0 to 1.
    """
    meetings, others = common(losses), [name for name in losses if name != ours]
    if not meetings or not others or ours not in losses:
        return {}
    places = {problem: _places(losses, [m for m in meetings if m[0] == problem]) for problem, _ in meetings}
    p_values, shares = list[float](), list[tuple[float, float]]()
    for other in others:
        gaps = {problem: each[other] - each[ours] for problem, each in places.items()}
        of_tables = np.array([np.mean([gap.mean() for gap in each]) for each in by_table(gaps)])
        p_values.append(float(wilcoxon(of_tables).pvalue) if of_tables.any() else 1.0)
        every = np.concatenate(list(gaps.values()))
        shares.append((float(np.mean(every > 0)), float(np.mean(every < 0))))
    corrected = multipletests(p_values, method="holm")[1]
    return {other: Comparison(float(p), *both) for other, p, both in zip(others, corrected, shares, strict=True)}


def _places(losses: Losses, meetings: Collection[tuple[str, int]]) -> dict[str, NDArray[np.float64]]:
    """Return for each contestant the places of its losses in `meetings` of one problem among those of all."""
    ranked = rankdata([[losses[name][meeting] for meeting in meetings] for name in losses], axis=None)
    rows = ranked.reshape(len(losses), len(meetings)) / ranked.size
    return dict(zip(losses, rows, strict=True))

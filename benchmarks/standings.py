"""Who is ahead after so many full trainings, and is it more than luck?"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, wilcoxon
from statsmodels.stats.multitest import multipletests

BUDGETS = (25, 50, 100, 200, 400)
Losses = Mapping[str, Mapping[tuple[str, int], float]]  # by contestant, then by problem and seed
_RESAMPLES = 2000


@dataclass(frozen=True)
class Standing:
    """The average rank of a contestant, 1 being the best, with a 95 % confidence interval."""

    contestant: str
    rank: float
    low: float
    high: float


def loss_at(trace: Sequence[tuple[float, float]], budget: float) -> float:
    """Return the best feasible loss by the time `budget` was spent; infinity where there was none."""
    return min((loss for spent, loss in trace if spent <= budget), default=float("inf"))


def standings(losses: Losses) -> list[Standing]:
    """Return the contestants, the best first, ranked on every problem and seed that all of them have.

    Ties share their ranks. The interval is by the bootstrap over problems: seeds of one problem are not independent.
    """
    names, meetings = list(losses), common(losses)
    if not meetings:
        return []
    table = np.array([[losses[name][meeting] for name in names] for meeting in meetings])
    ranks = np.apply_along_axis(rankdata, 1, table)
    by_problem = defaultdict[str, list[np.ndarray]](list)
    for (problem, _), row in zip(meetings, ranks, strict=True):
        by_problem[problem].append(row)
    means = np.array([np.mean(rows, axis=0) for rows in by_problem.values()])
    drawn = np.random.default_rng(0).integers(len(means), size=(_RESAMPLES, len(means)))
    low, high = np.quantile(means[drawn].mean(axis=1), [0.025, 0.975], axis=0)
    rows = zip(names, means.mean(axis=0), low, high, strict=True)
    return sorted((Standing(*row) for row in rows), key=lambda standing: standing.rank)


def common(losses: Losses) -> list[tuple[str, int]]:
    """Return the problems and seeds on which all have run."""
    each = [set(found) for found in losses.values()]
    return sorted(set.intersection(*each)) if each else []


def significance(losses: Losses, ours: str) -> dict[str, tuple[float, float]]:
    """Return for each other contestant p that it is as good as `ours`, corrected by Holm, and how often ours is ahead.

    Wilcoxon's signed-rank test, one pair a problem, since its seeds are not independent. Losses of different problems
    have different scales, so what is compared is the mean place of each among all losses on a problem, from 0 to 1.
    """
    meetings, others = common(losses), [name for name in losses if name != ours]
    if not meetings or not others:
        return {}
    places = {problem: _places(losses, [m for m in meetings if m[0] == problem]) for problem, _ in meetings}
    p_values, ahead = list[float](), list[float]()
    for other in others:
        gaps = np.array([np.mean(each[other] - each[ours]) for each in places.values()])
        every = np.concatenate([each[other] - each[ours] for each in places.values()])
        p_values.append(float(wilcoxon(gaps).pvalue) if gaps.any() else 1.0)
        ahead.append(float(np.mean(every > 0) + np.mean(every == 0) / 2))
    corrected = multipletests(p_values, method="holm")[1]
    return {other: (float(p), share) for other, p, share in zip(others, corrected, ahead, strict=True)}


def _places(losses: Losses, meetings: Collection[tuple[str, int]]) -> dict[str, NDArray[np.float64]]:
    """Return for each contestant the places of its losses in `meetings` of one problem among those of all."""
    ranked = rankdata([[losses[name][meeting] for meeting in meetings] for name in losses], axis=None)
    rows = ranked.reshape(len(losses), len(meetings)) / ranked.size
    return dict(zip(losses, rows, strict=True))

"""How alike are tasks? By whether they rank the same configurations alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.report.transfer.learned import Learned

HERE, MOST, LEAST = "this task", 30, 3  # tasks that are shown, and configurations that two must share


@dataclass(frozen=True)
class Likeness:
    """Of this task and earlier ones, those with the most weight first."""

    names: tuple[str, ...]  # T, this task first
    correlation: NDArray[np.float64]  # [T, T], of ranks; nan where it is not known
    weights: NDArray[np.float64]  # [T], what this task is believed to be made of; of itself none
    words: str


def likeness(found: Learned) -> Likeness:
    """Return how alike tasks are; of this task by what is believed of it in the end."""
    belief = found.after.belief
    weights, past = belief.likeness(), belief.past
    order = sorted(range(len(past.tasks)), key=lambda t: -weights.get(past.tasks[t], 0.0))[: MOST - 1]
    values = np.stack([belief.forecast().mean, *(past.values[task] for task in order)])
    names = [past.tasks[task] for task in order]
    known = np.array([0.0, *(weights.get(name, 0.0) for name in names)])
    return Likeness((HERE, *names), correlations(values), known, _words(weights))


def correlations(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Spearman's rank correlation of each two tasks over configurations: [T, N, K] to [T, T].

    At the latest knot that enough configurations have on both; nan where there is none, or all are equal there.
    """
    found = np.full((len(values), len(values)), np.nan)
    for i, one in enumerate(values):
        for j, other in enumerate(values[: i + 1]):
            shared = np.isfinite(one) & np.isfinite(other)
            enough = np.flatnonzero(shared.sum(axis=0) >= LEAST)
            if len(enough):
                both = shared[:, enough[-1]]
                found[i, j] = found[j, i] = _of_ranks(one[both, enough[-1]], other[both, enough[-1]])
    return found


def _of_ranks(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    from scipy.stats import rankdata  # here, for --help to stay quick

    level = np.ptp(one) == 0 or np.ptp(other) == 0
    return np.nan if level else float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def _words(weights: dict[str, float]) -> str:
    first = sorted(weights.items(), key=lambda each: -each[1])[:3]
    told = ", ".join(f"{name} {weight:.0%}" for name, weight in first)
    return f"This task is believed to be like {told}. Its own ranks are those predicted in the end."

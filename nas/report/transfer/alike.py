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
    """Return how alike tasks are at the end of a full training; of this task by what is believed of it."""
    weights, past = found.after.belief.likeness(), found.past
    order = sorted(range(len(past.tasks)), key=lambda t: -weights.get(past.tasks[t], 0.0))[: MOST - 1]
    sign = 1 if found.spec.maximize else -1
    ends = np.stack([sign * found.after.forecast.mean[:, -1], *(past.values[task, :, -1] for task in order)])
    names = [past.tasks[task] for task in order]
    known = np.array([0.0, *(weights.get(name, 0.0) for name in names)])
    return Likeness((HERE, *names), correlations(ends), known, _words(weights))


def correlations(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Spearman's rank correlation of each two rows over the columns that both know: [T, N] to [T, T].

    nan where they share too few, or one of them is level there.
    """
    from scipy.stats import rankdata  # here, for --help to stay quick

    found = np.full((len(values), len(values)), np.nan)
    for i, one in enumerate(values):
        for j, other in enumerate(values[: i + 1]):
            shared = np.isfinite(one) & np.isfinite(other)
            ranks = [rankdata(row[shared]) for row in (one, other)]
            if shared.sum() >= LEAST and all(np.ptp(each) > 0 for each in ranks):
                found[i, j] = found[j, i] = np.corrcoef(*ranks)[0, 1]
    return found


def _words(weights: dict[str, float]) -> str:
    first = sorted(weights.items(), key=lambda each: -each[1])[:3]
    told = ", ".join(f"{name} {weight:.0%}" for name, weight in first)
    return f"This task is believed to be like {told}. Its own ranks are those predicted in the end."

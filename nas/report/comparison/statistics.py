"""Is the difference more than luck? Means and spreads, ranks, McNemar's test, corrected for how many were made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, stdev

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from nas.core.spec import RunSpec
from nas.report.comparison.judged import Judged
from nas.report.facts import Table, number
from nas.runs.stored import StoredRun

SIGNIFICANT = 0.05  # that a difference is shown
FEW = 25  # discordant pairs, below which McNemar's test is made exactly


@dataclass(frozen=True)
class Entry:
    """One strategy on one seed: its run, and the trainings by which its incumbent was judged."""

    strategy: str
    seed: int
    run: StoredRun
    judged: tuple[Judged, ...]

    @property
    def feasible(self) -> bool:
        """Whether an incumbent was found that meets all constraints."""
        return bool(self.run.best and self.run.best.feasible)

    def test(self, metric: str) -> list[float]:
        """Return the metric of each training on the test set."""
        return [each.metrics[metric] for each in self.judged if metric in each.metrics]


Entries = Sequence[Entry]


def spec_of(entries: Entries) -> RunSpec:
    """Return what was asked of all; the default configuration alone is spared the bound on what costs too much."""
    return max((entry.run.spec for entry in entries), key=lambda spec: len(spec.constraints))


def grouped(entries: Entries) -> dict[str, list[Entry]]:
    """Return the entries by strategy."""
    groups = dict[str, list[Entry]]()
    for entry in entries:
        groups.setdefault(entry.strategy, []).append(entry)
    return groups


def summary(entries: Entries) -> Table:
    """Return what each strategy found: means over the seeds on which all constraints were met, and their spread."""
    spec, ranks = spec_of(entries), average_ranks(entries)
    metrics = list(dict.fromkeys([spec.objective, *(c.metric for c in spec.constraints)]))
    shown = [metric for metric in metrics if any(entry.test(metric) for entry in entries)]

    def row(name: str, group: list[Entry]) -> tuple[str, ...]:
        found = [e.run.best.metrics[spec.objective] for e in group if e.run.best and e.feasible]
        tests = [_spread(m, [fmean(e.test(m)) for e in group if e.test(m) and e.feasible]) for m in shown]
        results = [result for e in group for result in e.run.results]
        share = sum(result.feasible for result in results) / max(1, len(results))
        met = f"{sum(e.feasible for e in group)} of {len(group)}"
        trials = fmean(len({result.job.trial.id for result in e.run.results}) for e in group)
        return (
            name,
            met,
            _spread(spec.objective, found),
            *tests,
            f"{share:.0%}",
            f"{trials:.0f}",
            f"{ranks[name]:.2f}",
        )

    headings = (
        "strategy", "feasible found", f"{spec.objective}, in the search", *(f"{m}, test" for m in shown),
        "evaluations feasible", "trials", "average rank",
    )  # fmt: skip
    return Table(headings, tuple(row(name, group) for name, group in grouped(entries).items()))


def _spread(metric: str, values: Sequence[float]) -> str:
    if not values:
        return ""
    return number(metric, fmean(values)) + (f" ± {number(metric, stdev(values))}" if len(values) > 1 else "")


def average_ranks(entries: Entries) -> dict[str, float]:
    """Return the rank by the mean test objective, averaged over seeds; whoever has nothing feasible is last."""
    spec = entries[0].run.spec
    ranks = dict[str, list[float]]()
    for seed in dict.fromkeys(entry.seed for entry in entries):
        there = [entry for entry in entries if entry.seed == seed]
        sign = -1 if spec.maximize else 1
        values = [
            sign * fmean(e.test(spec.objective)) if e.feasible and e.test(spec.objective) else np.inf for e in there
        ]
        for entry, rank in zip(there, rankdata(values), strict=True):
            ranks.setdefault(entry.strategy, []).append(float(rank))
    return {name: fmean(each) for name, each in ranks.items()}


@dataclass(frozen=True)
class Contrast:
    """McNemar's test of two networks: on how many images only the one, or only the other, was right.

    `p` is the chance of so uneven a split between equally good networks, `corrected` the same after Holm's correction
    for all contrasts of the comparison.
    """

    seed: int
    one: str
    other: str
    only_one: int
    only_other: int
    p: float
    corrected: float = 1.0


def contrasts(entries: Entries) -> list[Contrast]:
    """Return McNemar's test (1947) for each pair of strategies on each seed, of their first trained networks.

    Only of those that met all constraints. An image is right as the objective sees it: by the first three guesses for
    top-3 accuracy, else by the first.

    By the exact binomial test where fewer than FEW images are discordant, else by chi squared with continuity
    correction; Holm's correction (1979) over all. One network of each: those of several seeds are judged on the same
    images, which would be counted as if they were independent.
    """
    found = list(_contrasts(entries))
    if not found:
        return []
    corrected = multipletests([each.p for each in found], method="holm")[1]
    return [Contrast(**{**e.__dict__, "corrected": float(p)}) for e, p in zip(found, corrected, strict=True)]


def _contrasts(entries: Entries) -> Iterator[Contrast]:
    top3 = entries[0].run.spec.objective == "top3_accuracy"
    judged = {(e.strategy, e.seed): e.judged[0] for e in entries if e.judged and e.feasible}
    right = {place: _hits(each.right3 if top3 else each.right) for place, each in judged.items()}
    for seed in dict.fromkeys(entry.seed for entry in entries):
        there = [e.strategy for e in entries if e.seed == seed and right.get((e.strategy, seed), _hits("")).size]
        for name, rival in combinations(there, 2):
            one, other = right[name, seed], right[rival, seed]
            first, second = int((one & ~other).sum()), int((other & ~one).sum())
            table = [[int((one & other).sum()), first], [second, int((~one & ~other).sum())]]
            p = float(mcnemar(table, exact=first + second < FEW).pvalue)
            yield Contrast(seed, name, rival, first, second, min(1.0, p))


def _hits(right: str) -> NDArray[np.bool_]:
    return np.array([hit == "1" for hit in right], dtype=np.bool_)


def better(objective: str) -> str:
    """Return what to say of a network that gets more images right, which is not every objective."""
    return "is better" if objective in ("accuracy", "top3_accuracy") else "gets more images right"


def contrast_table(found: Sequence[Contrast], objective: str) -> Table:
    """Return the contrasts as texts."""

    def row(c: Contrast) -> tuple[str, ...]:
        first = c.one if c.only_one > c.only_other else c.other
        verdict = f"{first} {better(objective)}" if c.corrected < SIGNIFICANT else "no difference shown"
        ours, split = (f"{c.one} / {c.other}", str(c.seed)), f"{c.only_one} / {c.only_other}"
        return (*ours, split, f"{c.p:.3g}", f"{c.corrected:.3g}", verdict)

    headings = ("pair", "seed", "right only by the one / the other", "p", "p, corrected", "at 5 %")
    return Table(headings, tuple(row(each) for each in found))

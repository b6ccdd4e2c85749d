"""What is logged of each committed result? Its own numbers, and how far the search has come with it."""

import math
from statistics import fmean

from nas.core import ranking
from nas.core.confirmation import incumbent
from nas.core.constraints import total_violation
from nas.core.evidence import Evidence
from nas.core.phases import history_of
from nas.core.spec import RunSpec
from nas.core.types import Result, Status
from nas.trackers.tally import Tally


class Progress:
    """Takes results in the order of their commitment. Counts and the population leave out what repeats a trial."""

    def __init__(self, spec: RunSpec) -> None:
        self._spec = spec
        self._names = list(dict.fromkeys([spec.objective, *(c.metric for c in spec.constraints)]))
        self._results, self._tally = list[Result](), Tally()
        self._incumbent: Result | None = None
        self._population = list[Result]()

    def after(self, result: Result) -> dict[str, float | str]:
        """Take `result` and return what is logged at its step; what is no number there is left out."""
        self._results.append(result)
        if self._tally.add(result):
            self._select(result)
        if self._tally.again and result.epochs == self._spec.max_epochs:  # only then may the order of the best change
            self._incumbent = incumbent(Evidence.of(history_of(self._results, self._spec)), self._spec)
        return {"result/trial": result.job.trial.id, **_finite(self._row(result))}

    def _select(self, result: Result) -> None:
        spec, best = self._spec, self._incumbent
        if result.status is not Status.OK:
            return
        if not best or (not self._tally.again and (result.epochs, result.score) > (best.epochs, best.score)):
            self._incumbent = result
        if result.epochs == spec.max_epochs:
            self._population = ranking.best([*self._population, result], spec.population)

    def _row(self, result: Result) -> dict[str, float]:
        row = {f"result/{name}": result.metrics.get(name, math.nan) for name in self._names}
        row["result/violation"] = total_violation(self._spec.constraints, result.metrics)
        row["result/epochs"] = result.epochs
        row["search/results_feasible"] = self._tally.share_feasible
        row["search/trials"] = self._tally.trials
        row["search/epochs"] = self._tally.epochs
        row["search/seconds"] = result.elapsed
        if self._incumbent:
            row |= {f"incumbent/{name}": self._incumbent.metrics.get(name, math.nan) for name in self._names}
        if self._population:
            for name in self._names:
                values = [each.metrics.get(name, math.nan) for each in self._population]
                row[f"population/{name}_mean"] = fmean(values)
                row[f"population/{name}_best"] = max(values) if self._larger_is_better(name) else min(values)
        return row

    def _larger_is_better(self, name: str) -> bool:
        if name == self._spec.objective:
            return self._spec.maximize
        return all(c.relation == ">=" for c in self._spec.constraints if c.metric == name)


def _finite(row: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if math.isfinite(value)}

"""What of a whole run goes beside its curves? Tables, figures, what is in the end known of the incumbent, files."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.core.constraints import total_violation
from nas.core.errors import UserError
from nas.core.types import Result, Status
from nas.runs.saved import read as read_saved
from nas.runs.stored import StoredRun

_FILES = ("best.json", "summary.txt", "spec.json", "best.safetensors", "report.html")
_PLOTS = (("accuracy", "precision"), ("accuracy", "params"))


@dataclass(frozen=True)
class Table:
    """Rows of equal length; a value that a row lacks is None."""

    columns: list[str]
    rows: list[list[Any]]


def trials(run: StoredRun) -> Table:
    """Return a row a trial: what it is, how far it came, what it reached there, its configuration."""
    last = {result.job.trial.id: result for result in sorted(run.committed, key=lambda result: result.epochs)}
    first = dict.fromkeys(result.job.trial.id for result in run.committed)
    return _table(
        [
            {
                "trial": trial_id,
                "operator": last[trial_id].job.trial.operator,
                "parents": " ".join(last[trial_id].job.trial.parents),
                "epochs": last[trial_id].epochs,
                **_outcome(run, last[trial_id]),
                **{f"config/{name}": value for name, value in last[trial_id].config.items()},
            }
            for trial_id in first
        ]
    )


def rungs(run: StoredRun) -> Table:
    """Return a row a result, in the order of the journal."""
    return _table(
        [
            {
                "line": number,
                "trial": result.job.trial.id,
                "start": result.job.start,
                "epochs": result.epochs,
                "seconds": result.seconds,
                "elapsed": result.elapsed,
                **_outcome(run, result),
            }
            for number, result in enumerate(run.committed, 1)
        ]
    )


def plots(run: StoredRun) -> dict[str, Table]:
    """Return by title the points of each scatter plot, x and y first, one a trial that was fully trained."""
    full = [r for r in run.results if r.status is Status.OK and r.epochs == run.spec.max_epochs]
    found = dict[str, Table]()
    for x, y in _PLOTS:
        points = [[r.metrics[x], r.metrics[y], r.job.trial.id] for r in full if {x, y} <= r.metrics.keys()]
        if points:
            found[f"{y} against {x}"] = Table([x, y, "trial"], points)
    return found


def conclusion(run: StoredRun) -> dict[str, Any]:
    """Return the incumbent's metrics, what it reached when it was trained again, and on the test images."""
    told = dict[str, Any]()
    if run.best:
        told |= {"incumbent/trial": run.best.job.trial.id, "incumbent/feasible": run.best.feasible}
        told |= _named("incumbent", run.best.metrics)
    again = run.confirmation
    if again:
        told["confirmation/count"] = again.count
        told |= _named("confirmation/mean", again.mean) | _named("confirmation/spread", again.spread)
        told |= _named("confirmation/probability", {str(c): again.probability(c) for c in run.spec.constraints})
    try:
        saved = read_saved(run.directory / "best.json")
    except UserError:  # the search was killed, or is of the library
        return told
    return told | _named("test", saved.evidence.get("test") or {})


def files(directory: Path) -> list[Path]:
    """Return those that are worth keeping, where they exist."""
    return [directory / name for name in _FILES if (directory / name).is_file()]


def figures(directory: Path) -> list[Path]:
    """Return the report's figures, if there are any."""
    return sorted((directory / "figures").glob("*.png"))


def _outcome(run: StoredRun, result: Result) -> dict[str, Any]:
    violation = total_violation(run.spec.constraints, result.metrics)
    told = {"status": str(result.status), "feasible": result.feasible, "violation": _number(violation)}
    return told | {name: _number(value) for name, value in result.metrics.items() if name not in told}


def _named(prefix: str, metrics: Mapping[str, float]) -> dict[str, float]:
    return {f"{prefix}/{name}": value for name, value in metrics.items() if math.isfinite(value)}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = list(dict.fromkeys(_all(rows)))
    return Table(columns, [[row.get(column) for column in columns] for row in rows])


def _all(rows: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for row in rows:
        yield from row

"""Which values were best in phase 2, and where was each trial stopped?"""

from nas.core.types import Result, Status
from nas.report.facts import Table, number
from nas.runs.stored import StoredRun

_SHOWN = 10


def ranked(run: StoredRun) -> list[Result]:
    """Return the last result of each trial: those that came furthest first, by their score; no failed ones."""
    last = {result.job.trial.id: result for result in sorted(run.results, key=lambda each: each.job.stop)}
    ended = [result for result in last.values() if result.status is Status.OK]
    return sorted(ended, key=lambda result: (result.epochs, result.score), reverse=True)


def best_trials(run: StoredRun) -> Table:
    """Return the best with their values."""
    chosen, objective, results = run.best, run.spec.objective, ranked(run)[:_SHOWN]
    names = sorted({name for result in results for name in result.config})
    rows = (
        (
            result.job.trial.id + (", chosen" if chosen and result.job.key == chosen.job.key else ""),
            str(result.epochs), number(objective, result.metrics[objective]),
            *(_value(result.config.get(name)) for name in names),
        )
        for result in results
    )  # fmt: skip
    return Table(("trial", "epochs", objective, *names), tuple(rows))


def values(result: Result) -> str:
    """Return the values of a trial in a line."""
    return ", ".join(f"{name} {_value(value)}" for name, value in result.config.items()) or "nothing was left to tune"


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)

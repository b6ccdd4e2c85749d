"""What is known of a run, in tables: constraints with their margins, metrics side by side, failures, lineage."""

import shlex
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nas.core.confirmation import Confirmed
from nas.core.constraints import Constraint
from nas.core.types import Config, Result, Status, Trial, order_of
from nas.core.units import duration
from nas.report.comparison.judged import Judged, read
from nas.runs.findings import Findings
from nas.runs.stored import StoredRun
from nas.training.trajectory import well_formed

_ANCESTORS = 25  # shown at most


@dataclass(frozen=True)
class Table:
    """Rows of texts under headings. The first column names the row."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def number(metric: str, value: float | None) -> str:
    """Return `value` as people read it."""
    if value is None:
        return ""
    return f"{value:,.0f}" if metric in ("params", "macs") else f"{value:.4g}" if abs(value) >= 10 else f"{value:.4f}"


def tested(run: StoredRun) -> dict[str, float]:
    """Return the test metrics of the incumbent, by a comparison the mean of its trainings.

    Empty where it was not tested, but a former one was.
    """
    return dict(_evidence(run).get("test") or {}) or averaged([each.metrics for each in compared(run)])


def test_trajectories(run: StoredRun) -> Sequence[Mapping[str, Any]]:
    """Return the trajectory of the training that was tested; empty where it has none."""
    return well_formed(_evidence(run).get("trajectories"))


def _evidence(run: StoredRun) -> Mapping[str, Any]:
    """Return what best.json says of the incumbent; nothing where it tells of a former one."""
    saved, best = run.saved("best.json"), run.best
    same = bool(saved and best and Config.of(saved.config) == best.job.trial.config)
    return saved.evidence if saved and same else {}


def compared(run: StoredRun) -> list[Judged]:
    """Return the trainings by which a comparison tested the incumbent, but for those that diverged."""
    best = run.best.job.trial.config.id if run.best else ""
    return [each for each in read(run.directory) if each.config == best and each.metrics]


def averaged(samples: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each metric."""
    names = samples[0] if samples else ()
    return {name: sum(sample[name] for sample in samples) / len(samples) for name in names}


def default_tested(run: StoredRun) -> dict[str, float]:
    """Return the test metrics of the default configuration; empty where it was not tested."""
    saved = run.saved("default.json")
    return dict((saved.evidence.get("test") if saved else None) or {})


def overtaken(former: Confirmed, objective: str) -> str:
    """Return in words what became of the best of the search when it was trained again."""
    ahead = f"{former.result.job.trial.id} was ahead in the search, {objective} "
    ahead += number(objective, former.result.metrics[objective])
    if former.failures:
        return f"{ahead}, but {former.failures} of {len(former.repetitions)} more trainings failed"
    again = averaged([result.metrics for result in former.succeeded])
    return f"{ahead}, and had {number(objective, again[objective])} when trained again"


def default_untested(run: StoredRun) -> str:
    """Return why the default configuration stands in no column; nothing where it does, or is what was searched."""
    saved = run.saved("default.json")
    if not saved or "test" in saved.evidence or not run.spec.strategy.endless:
        return ""
    return str(saved.evidence.get("untested", "the search was stopped before its turn"))


def constraints(run: StoredRun, best: Result) -> Table:
    """Return each constraint with what the incumbent has, its margin, and how sure that is."""
    again, test, known = run.confirmation, tested(run), dict(best.job.trial.cheap)

    def row(c: Constraint) -> tuple[str, ...]:
        value, before = best.metrics[c.metric], c.metric in known
        margin = (value - c.bound if c.relation == ">=" else c.bound - value) / (abs(c.bound) or 1)
        mean = again and f"{number(c.metric, again.mean[c.metric])} ± {number(c.metric, again.spread[c.metric])}"
        sure = again and f"{again.probability(c):.0%}"
        return (
            str(c), number(c.metric, value), f"{'met' if margin >= 0 else 'MISSED'}, {margin:+.1%}",
            "known before training" if before else mean or "not trained again",
            "" if before else sure or "", number(c.metric, test.get(c.metric)),
        )  # fmt: skip

    headings = ("constraint", "in the search", "margin", "trained again", "probability", "test")
    return Table(headings, tuple(row(c) for c in run.spec.constraints))


def metrics(columns: Mapping[str, Mapping[str, float]], first: Sequence[str]) -> Table:
    """Return a row a metric, those of `first` first, and a column a network."""
    known = [name for values in columns.values() for name in values if name != "batch_precision"]
    names = [name for name in dict.fromkeys([*first, *known]) if name in {*known}]
    rows = tuple((name, *(number(name, values.get(name)) for values in columns.values())) for name in names)
    return Table(("metric", *columns), rows)


def failures(run: StoredRun) -> Table:
    """Return how many results failed in each way, with the first error of each."""
    failed = [result for result in run.history if result.status is not Status.OK]
    counts, first = Counter(str(result.status) for result in failed), dict[str, str]()
    for result in failed:
        first.setdefault(str(result.status), f"{result.job.trial.id}: {result.error}"[:200])
    rows = tuple((status, str(count), first[status]) for status, count in counts.most_common())
    return Table(("failed as", "results", "the first"), rows)


def redraws(run: StoredRun) -> Table:
    """Return why drawn configurations were never trained."""
    rows = tuple((reason, f"{count:,}") for reason, count in run.redraws.most_common())
    return Table(("drawn but not trained, for", "times"), rows)


def lineage(run: StoredRun, best: Result) -> Table:
    """Return the incumbent and its ancestors, the nearest first: where each came from and what it changed."""
    last = {result.job.trial.id: result for result in run.results}
    queue, seen, rows = deque([best.job.trial.id]), {best.job.trial.id}, list[tuple[str, ...]]()
    while queue and len(rows) < _ANCESTORS:
        result = last[queue.popleft()]
        trial = result.job.trial
        value = result.metrics.get(run.spec.objective)
        parents = [last[parent].job.trial for parent in trial.parents if parent in last]
        origin = (trial.operator, " and ".join(trial.parents))
        rows.append((trial.id, *origin, number(run.spec.objective, value), _news(trial, parents)))
        fresh = [parent.id for parent in parents if parent.id not in seen]
        seen.update(fresh)
        queue.extend(fresh)
    return Table(("trial", "made by", "of", run.spec.objective, "what is new"), tuple(rows))


def _news(trial: Trial, parents: Sequence[Trial]) -> str:
    """Return the values that no parent has."""
    if not parents:
        return ""
    fresh = {k: v for k, v in trial.config.items if all(p.config.values.get(k) != v for p in parents)}
    return ", ".join(f"{name} {_short(value)}" for name, value in fresh.items())


def configuration(config: Config) -> Table:
    """Return the values of the active hyperparameters."""
    return Table(("hyperparameter", "value"), tuple((name, _short(value)) for name, value in config.items))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def reproduction(run: StoredRun) -> tuple[str, Table]:
    """Return the command, and what else decides the result: versions and digests."""
    words, details = run.command(), run.spec.details
    command = shlex.join(["python", "-m", "nas.main", *words]) if words else ""
    known = ("data", "data_digest", "image_size", "space", "device", "threads", "folds", "deterministic")
    rows = [(name, str(details[name])) for name in known if details.get(name) is not None]
    rows += [(name, str(version)) for name, version in dict(details.get("versions", {})).items()]
    return command, Table(("what", "which"), (("seed", str(run.spec.seed)), *rows))


def learned(run: Findings) -> str:
    """Return in a sentence or two what earlier tasks have given a search; nothing where it had no history."""
    known, strategy = dict(run.spec.details.get("history") or {}), run.spec.strategy
    trials = list(dict.fromkeys(result.job.trial for result in run.results))
    told = list[str]()
    if known.get("curves"):
        recalled = sum(trial.operator == "recall" for trial in trials)
        tasks = f"{known['curves']:,} learning curves of {len(known['tasks'])} earlier tasks"
        told.append(f"Begun from {tasks}, from which {recalled} trials come.")
    elif known:
        told.append("The history has nothing of this space.")
    others = [trial for trial in trials if strategy.name == "transfer" and order_of(trial.id)]
    if others:
        why = "No earlier task is alike" if known.get("curves") else "Nothing is known of earlier tasks"
        instead = strategy.described()["otherwise"]["name"]
        told.append(f"{why}: from {others[0].id} on the search goes by {instead}.")
    return " ".join(told)


def effort(run: StoredRun) -> str:
    """Return in a sentence how much was trained."""
    trials, again = len({result.job.trial.id for result in run.results}), len(run.repetitions)
    full = sum(r.epochs == run.spec.max_epochs and r.status is Status.OK for r in run.results)
    epochs = sum(result.job.stop - result.job.start for result in run.history)
    time = duration(run.committed[-1].elapsed) if run.committed else "no time"
    share = sum(result.feasible for result in run.results) / max(1, len(run.results))
    return (
        f"{trials:,} trials, {full:,} of them fully trained ({run.spec.max_epochs} epochs), "
        f"{again} trainings to confirm the best; {epochs:,} epochs in {time}; {share:.0%} of results feasible."
    )

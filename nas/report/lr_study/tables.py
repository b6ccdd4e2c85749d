"""How do optimizers and policies stand side by side? Each where it is best, and below at every rate."""

from collections.abc import Iterator

from nas.report.facts import Table, number
from nas.report.lr_study.results import Cell, Estimate, Group, Outcome


def summary(outcome: Outcome) -> Table:
    """Return a row for each optimizer and policy: at its tuned rate, or as it found its own."""
    metric = outcome.objective
    headings = (
        "optimizer, policy", "rate", f"{metric}, validation", f"{metric}, test", "minus tuned cosine", "of",
        "trainings", "failed", "total / useful steps",
    )  # fmt: skip
    return Table(headings, tuple(_row(outcome, group) for group in outcome.groups))


def _row(outcome: Outcome, group: Group) -> tuple[str, ...]:
    cell, reference = outcome.tuned(group), outcome.reference(group.pair[0])
    of = f", best of {len(group.cells)}" if len(group.cells) > 1 else ""
    rate = "finds its own" if group.finds_its_own else f"{cell.rate:g}{of}"
    overhead = outcome.total_over_useful(cell)
    return (
        group.name,
        rate,
        *_judged(outcome, cell),
        _difference(outcome, group, cell, reference),
        reference.pair[0] if reference else "",
        str(group.trainings),
        _failed(group),
        f"{overhead:.2f}" if overhead else "",
    )


def at_each_rate(outcome: Outcome) -> Table:
    """Return a row for each rate of those that were tuned: what one training without tuning would have given."""
    metric = outcome.objective
    headings = ("optimizer, policy", "rate", f"{metric}, validation", f"{metric}, test", "failed")
    rows = (
        (group.name, f"{cell.rate:g}", *_judged(outcome, cell), _failed(cell))
        for group in outcome.groups
        if not group.finds_its_own
        for cell in group.cells
    )
    return Table(headings, tuple(rows))


def remarks(outcome: Outcome) -> Iterator[str]:
    """Yield what to know before believing the tables."""
    study = outcome.study
    due, done = len([*study.trainings()]), len(outcome.results)
    if done < due:
        yield f"{done} of {due} trainings are done: all numbers may change"
    if any(len(group.cells) > 1 for group in outcome.groups):
        told = f"mean {outcome.objective} on the validation images over seeds, not by the test"
        yield f"each tuned rate was chosen by the {told}; all its trainings are counted"
    for group in outcome.groups:
        ends = (min(study.rates), max(study.rates)) if len(study.rates) > 1 else ()
        rate = outcome.tuned(group).rate
        if not group.finds_its_own and rate in ends:
            yield f"{group.name}: {rate:g} is at the end of the rates, so better ones may lie beyond"


def _judged(outcome: Outcome, cell: Cell) -> tuple[str, str]:
    return _shown(outcome, cell, outcome.objective), _shown(outcome, cell, outcome.tested)


def _shown(outcome: Outcome, cell: Cell, metric: str) -> str:
    """Return mean and standard error, and of how many where some failed."""
    found = Estimate.of(cell.values(metric))
    if not found:
        return "none"
    failed, done = cell.failed.total(), len(cell.metrics)
    of = f" ({done} of {done + failed})" if failed else ""
    return f"{_with_error(outcome.objective, found)}{of}"


def _difference(outcome: Outcome, group: Group, cell: Cell, reference: Group | None) -> str:
    if reference is None or group is reference:
        return ""
    found = outcome.difference(cell, outcome.tuned(reference))
    if not found:
        return ""
    return ("+" if found.mean >= 0 else "") + _with_error(outcome.objective, found)


def _with_error(metric: str, found: Estimate) -> str:
    error = f" ± {number(metric, found.error)}" if found.error is not None else ""
    return f"{number(metric, found.mean)}{error}"


def _failed(counted: Group | Cell) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(counted.failed.items()))

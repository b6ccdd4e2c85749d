"""What should one know before believing the numbers? In plain words."""

from collections.abc import Iterator

from nas.core.types import Status
from nas.report.reproduction.costs import DONE, NOT_BEGUN, SKIPPED, costs
from nas.report.reproduction.found import Found
from nas.runs.reproduced import Full
from nas.runs.stored import StoredRun

_CUT = {
    "time": "was ended by the limit in time",
    "interrupted": "was interrupted",
    "": "has not ended",
}
_LAST = "phase3"
_PHASES = ("Phase 1", "Phase 2", "Phase 3")


def remarks(found: Found) -> Iterator[str]:
    """Yield one sentence each."""
    for full in found.judged:
        if not found.feasible(full.at_best):
            broken = " and ".join(map(str, found.constraints))
            yield f"The network of seed {full.seed} does not meet {broken}: no epoch of it did, or it would be another."
    if found.judged and not any(map(found.met, found.judged)):
        best = max(found.values) if found.maximize else min(found.values)
        yield f"No epoch reached the target: the best has {found.shown(best)} of {found.shown(found.asked.target)}."
    yield from _phases(found)
    yield from _race(found)
    if found.tuning:
        yield from _failures("Phase 2", found.tuning)
    for full in found.fulls:
        yield from _ended(found, full)
    yield from _luck(found)


def _phases(found: Found) -> Iterator[str]:
    """Yield what was skipped or cut short."""
    for name, cost in zip(_PHASES, costs(found), strict=True):
        if cost.state == SKIPPED:
            given = f": {cost.decided} was given" if cost.decided else ""
            yield f"{name} was skipped{given}."
        elif cost.state == NOT_BEGUN:
            until = str(found.asked.asked.get("until", _LAST))
            wanted = "" if name.lower().replace(" ", "") <= until else f", as --until {until} asks for"
            yield f"{name} was not begun{wanted}."
        elif cost.state != DONE and name != "Phase 3":
            yield f"{name} is not whole ({cost.state}): what was not tried may be better."


def _race(found: Found) -> Iterator[str]:
    if not found.race:
        return
    rates = {result.config["learning_rate"] for result in found.race.results}
    if found.asked.phase1.rule == "fixed" and len(rates) == 1:
        yield (
            f"All optimizers ran at the learning rate {rates.pop():g}: at another one another may be ahead "
            "(--phase1 halving tries several)."
        )
    yield from _failures("Phase 1", found.race)


def _failures(name: str, run: StoredRun) -> Iterator[str]:
    trials = {result.job.trial.id for result in run.results}
    failed = {result.job.trial.id for result in run.results if result.status is not Status.OK}
    if len(failed) == len(trials):
        yield f"{name}: all {len(trials)} trainings failed, so it decides nothing."
    elif failed:
        yield f"{name}: {len(failed)} of {len(trials)} trainings failed, and rank last."


def _ended(found: Found, full: Full) -> Iterator[str]:
    which = f"The training of seed {full.seed}"
    at = f"after {full.done:,} of {full.epochs:,} epochs"
    if full.ended in _CUT:
        yield f"{which} {_CUT[full.ended]} {at}: nas resume goes on."
    elif full.ended == "target" and full.done < full.epochs:
        yield f"{which} was ended {at}, when the target was reached: later epochs may be better."
    elif full.ended == "diverged":
        yield f"{which} diverged {at}."


def _luck(found: Found) -> Iterator[str]:
    """Yield what is luck in the answer, and how times are counted."""
    if not found.judged:
        return
    yield (
        "The best epoch was chosen on the images that judge it, so its value is somewhat too good; "
        "the last epoch was chosen by nobody."
    )
    if len(found.asked.seeds) == 1:
        yield "One seed says nothing of luck: --seeds 3 gives a mean and a spread."
    elif len(found.judged) < len(found.asked.seeds):
        yield f"{len(found.judged)} of {len(found.asked.seeds)} seeds were judged so far: mean and spread may change."
    if found.race or found.tuning:
        yield "The time of all phases is that of phases 1 and 2 and of the training of that one seed."

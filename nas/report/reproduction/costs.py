"""What did each phase cost, what did it decide, and why?"""

from dataclasses import dataclass
from math import ceil

from nas.core.units import duration
from nas.engine.ends import goes_on
from nas.report.facts import Table, number
from nas.report.reproduction.answer import OVER
from nas.report.reproduction.found import Found, seconds
from nas.report.reproduction.race import runners
from nas.report.reproduction.tuning import values
from nas.runs.folder import read_end
from nas.runs.reproduced import OPTIMIZERS, TRAINING, TUNING
from nas.runs.stored import StoredRun

_NAMES = (OPTIMIZERS, TUNING, TRAINING)
SKIPPED, NOT_BEGUN, UNFINISHED, DONE = "skipped", "not begun", "unfinished", "done"
_PER_EPOCH = "steps_per_epoch"  # in the details of a run


@dataclass(frozen=True)
class Cost:
    """A phase: what has become of it, what it took, and what came of it. Numbers that are not known are None."""

    state: str
    trainings: int = 0
    epochs: int | None = None
    steps: int | None = None
    seconds: float = 0.0
    decided: str = ""
    why: str = ""


def costs(found: Found) -> tuple[Cost, Cost, Cost]:
    """Return the three phases."""
    return _race(found), _tuning(found), _training(found)


def phases(found: Found) -> Table:
    """Return a row a phase, and one of all."""
    each = costs(found)
    time = sum(cost.seconds for cost in each)
    rows = [_row(name, cost, time) for name, cost in zip(_NAMES, each, strict=True)]
    steps = [cost.steps for cost in each if cost.trainings]
    known = sum(filter(None, steps)) if None not in steps else None
    total = Cost("", sum(cost.trainings for cost in each), sum(cost.epochs or 0 for cost in each), known, time)
    headings = ("phase", "state", "trainings", "epochs", "steps", "time", "share", "decided", "why")
    return Table(headings, (*rows, _row("all", total, time)))


def _row(name: str, cost: Cost, time: float) -> tuple[str, ...]:
    if not cost.trainings:
        return (name, cost.state, *[""] * 5, cost.decided, cost.why)
    epochs, steps = ("" if each is None else f"{each:,}" for each in (cost.epochs, cost.steps))
    share = f"{cost.seconds / time:.0%}" if time else ""
    return (
        name,
        cost.state,
        f"{cost.trainings:,}",
        epochs,
        steps,
        duration(cost.seconds),
        share,
        cost.decided,
        cost.why,
    )


def _race(found: Found) -> Cost:
    if found.asked.phase1.rule == "given":
        return Cost(SKIPPED, decided=", ".join(found.asked.phase1.optimizers), why="it was given")
    run = found.race
    if not run:
        return Cost(SKIPPED if found.tuning or found.fulls else NOT_BEGUN)
    ran = runners(run)
    steps = sum(each.steps for each in ran) or None
    told = Cost(state(run), len(ran), None, steps, seconds(run), "none", f"all {len(ran)} failed")
    ahead = [each for each in ran if each.rank]
    if not ahead:
        return told
    second = f", before {ahead[1].name} with {number('loss', ahead[1].loss)}" if len(ahead) > 1 else ""
    why = f"least training loss of {len(ran)}, {number('loss', ahead[0].loss)}{second}"
    return Cost(told.state, told.trainings, None, told.steps, told.seconds, ahead[0].name + _so_far(told.state), why)


def _tuning(found: Found) -> Cost:
    run = found.tuning
    if not run:
        return _not_tuned(found)
    trials = len({result.job.trial.id for result in run.results})
    epochs = sum(result.job.stop - result.job.start for result in run.history)
    per_epoch = run.spec.details.get(_PER_EPOCH)
    steps = int(per_epoch) * epochs if per_epoch else None
    decided, why, best = "none", f"all {trials} trials failed", run.best
    if best:
        value = number(run.spec.objective, best.metrics[run.spec.objective])
        decided = values(best) + _so_far(state(run))
        why = f"best of {trials} trials, {run.spec.objective} {value} in validation after {best.epochs} epochs"
    return Cost(state(run), len({r.job.trial.id for r in run.history}), epochs, steps, seconds(run), decided, why)


def _not_tuned(found: Found) -> Cost:
    return Cost(SKIPPED, why="as it was asked") if found.fulls else Cost(NOT_BEGUN)


def _training(found: Found) -> Cost:
    fulls = found.fulls
    if not fulls:
        return Cost(NOT_BEGUN)
    over = [full for full in fulls if full.ended in OVER]
    told = DONE if len(over) == len(found.asked.seeds) else f"{len(over)} of {len(found.asked.seeds)} seeds done"
    batch = _batch(found)
    steps = sum(full.done * ceil(full.images / batch) for full in fulls) if batch else None
    decided, why = "none", "never judged"
    if found.judged and (best := found.judged[0].at_best):
        decided = f"epoch {best.epoch:,} of seed {found.judged[0].seed}"
        why = f"its best {found.metric} where it is judged, {found.shown(found.value(best))}"
    time = sum(full.seconds for full in fulls)
    return Cost(told, len(fulls), sum(full.done for full in fulls), steps, time, decided, why)


def _batch(found: Found) -> int | None:
    """Return how many images a batch of the full training has; None where no file says it."""
    recipe = found.best.recipe if found.best else found.tuning.spec.details.get("recipe", {}) if found.tuning else {}
    size = recipe.get("batch_size")
    return size if isinstance(size, int) and size > 0 else None


def state(run: StoredRun) -> str:
    """Return how far a search has come, in words."""
    stopped, _ = read_end(run.directory)
    if not stopped:
        return UNFINISHED
    return f"ended by {stopped}" if goes_on(stopped) else DONE


def _so_far(told: str) -> str:
    return "" if told == DONE else ", so far"

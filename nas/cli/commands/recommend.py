"""`nas recommend`: which configurations suit a new task, by the learning curves of earlier ones and a few epochs."""

import math
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ConfigSpace import ConfigurationSpace

from nas.cli.asked import Asked
from nas.cli.commands.outcome import write_report
from nas.cli.commands.plan import Plan
from nas.cli.commands.say import plain, say
from nas.cli.commands.search import run_search
from nas.cli.commands.table import for_terminal, shown
from nas.core.errors import UserError
from nas.core.spec import RunSpec
from nas.core.types import Config, Result, Status
from nas.core.units import duration
from nas.core.words import quoted
from nas.engine.cheap import Cheap
from nas.engine.signals import exit_status
from nas.history.experience import Experience, experience
from nas.history.history import History
from nas.history.values import Curve
from nas.report.facts import Table, learned, number
from nas.runs.disk import write_atomically
from nas.runs.folder import SPEC
from nas.spaces.space import load as load_space
from nas.strategies.recalling.adviser import Adviser
from nas.strategies.recalling.candidates import lacks, pool
from nas.strategies.recalling.knots import knots_for
from nas.strategies.transfer import Transfer

_ALIKE = 8  # earlier tasks that are named


@dataclass(frozen=True)
class _Known:
    """What an adviser is told."""

    spec: RunSpec
    space: ConfigurationSpace
    cheap: Cheap
    experience: Experience


def recommend(flags: Namespace) -> int:
    """Print which configurations are recommended and why, and write the best to best.json of a run's folder."""
    began = time.monotonic()
    earlier = _earlier(flags)
    asked = _asked(flags, earlier)
    plan = Plan(asked, earlier)
    if not asked.quiet:
        say(plan.announcement(), sys.stderr)
    known = _known(plan)
    results, stopped, notes = list[Result](), "", list[str]()
    if flags.epochs:
        run = run_search(plan, began)
        results, stopped, notes = list(run.trials), run.stopped, [learned(run)]
    elif (plan.directory / SPEC).exists():
        raise UserError(f"{plan.directory} holds a run: choose another name, or give --epochs for it to go on")
    adviser = advised(known, results)
    places = _ranked(adviser, results, known.spec, flags.top)
    if not places:
        raise UserError(_nobody(adviser, known))
    told = [*notes, *_why(adviser, known, results), _cost(results, began, bool(flags.epochs))]
    lines = [shown(for_terminal(_ranking(adviser, known, places))), shown(for_terminal(_alike(adviser, known)))]
    best = plan.directory / "best.json"
    plan.directory.mkdir(parents=True, exist_ok=True)
    plan.saved(adviser.configs[places[0]], _evidence(adviser, known, plan, places[0])).write(best)
    summary = plain("\n".join([*lines, *told, f"saved as {best}; test it by nas evaluate {quoted(best)}"]))
    write_atomically(plan.directory / "summary.txt", summary + "\n")
    print(summary)
    if results:
        write_report(plan)
    return exit_status(stopped)


def advised(known: _Known, results: Sequence[Result]) -> Adviser:
    """Return what knows the history and the `results` here: of all configurations that were trained on any task."""
    strategy = known.spec.strategy
    model = strategy.belief if isinstance(strategy, Transfer) else "mixture"
    configs = dict.fromkeys([*pool(known), *(result.job.trial.config for result in results)])
    return Adviser(known, [*configs], knots_for(known.spec.scheduler), model).told(results)


def _earlier(flags: Namespace) -> Experience:
    """Return what the history, or the run that goes on, knows of the space. Raises UserError where that is nothing."""
    space = load_space(flags.space)
    found = experience(flags.history, space.space, flags.run_dir / flags.name if flags.name else None)
    if not found.curves:
        with History(Path(flags.history)) as history:
            history.tasks(space.digest)  # tells which spaces there are
        raise UserError(f"{flags.history} has no learning curve of the space {flags.space}")
    return found


def _asked(flags: Namespace, earlier: Experience) -> Asked:
    """Return the search that spends the epochs."""
    asked, full = Asked.of(flags), flags.full_epochs or _usual(earlier.curves)
    return replace(
        asked, strategy="transfer", scheduler="full", parameters={**asked.parameters, "max_epochs": full},
        confirm=0, max_total_epochs=flags.epochs or None,
    )  # fmt: skip


def _usual(curves: Sequence[Curve]) -> int:
    """Return the epochs of the full trainings that most curves are part of."""
    (found, _), *_ = Counter(curve.full_epochs or max(curve.points) for curve in curves).most_common(1)
    return found


def _known(plan: Plan) -> _Known:
    search = plan.search()
    spec = search.spec()
    bounded = {constraint.metric for constraint in spec.constraints}
    asked = {name: measure for name, measure in search.measures.items() if name in bounded}  # others only cost time
    known = _Known(spec, search.space, Cheap(spec.constraints, asked), plan.experience)
    if lacks(known):
        raise UserError(f"{plan.asked.history}: {lacks(known)}")
    return known


def _nobody(adviser: Adviser, known: _Known) -> str:
    """Return why no candidate may be trained, and which comes nearest to what is asked."""
    near = {constraint: known.cheap.nearest(constraint) for constraint in known.cheap.constraints}
    told = "; ".join(f"the nearest to {c} has {value:.10g}" for c, value in near.items() if not math.isnan(value))
    return f"none of {len(adviser.configs)} configurations of the history may be trained: {told or 'none can be built'}"


def _ranked(adviser: Adviser, results: Sequence[Result], spec: RunSpec, count: int) -> list[int]:
    """Return the best candidates; one that was found best by full trainings here comes first."""
    from nas.core.ranking import incumbent

    found = incumbent([result for result in results if result.epochs == spec.max_epochs])
    first = [adviser.place(found.job.trial.config)] if found and found.feasible else []
    return list(dict.fromkeys([*first, *adviser.ranking(count)]))[:count]


def _ranking(adviser: Adviser, known: _Known, places: Sequence[int]) -> Table:
    metric, forecast, chance = known.spec.objective, adviser.forecast, adviser.chance()
    expensive = len(known.spec.constraints) > len(known.cheap.constraints)
    rows = list[tuple[str, ...]]()
    for rank, place in enumerate(places, 1):
        low, high = (number(metric, float(bound[place, -1])) for bound in (forecast.low, forecast.high))
        seen = ", ".join(f"{number(metric, r.metrics[metric])} at {r.epochs}" for r in adviser.seen(place)[-1:])
        sure = [f"{chance[place]:.0%}"] if expensive else []
        mean = number(metric, float(forecast.mean[place, -1]))
        rows.append((str(rank), mean, f"{low} .. {high}", *sure, seen or "-", _short(adviser.configs[place])))
    headings = (
        f"expected {metric}",
        "90 % interval",
        *(["constraints met"] if expensive else []),
        "seen here, at epoch",
    )
    return Table(("", *headings, "configuration"), tuple(rows))


def _short(config: Config) -> str:
    shown = (f"{value:.4g}" if isinstance(value, float) else str(value) for _, value in config.items)
    return ", ".join(f"{name} {value}" for (name, _), value in zip(config.items, shown, strict=True))


def _alike(adviser: Adviser, known: _Known) -> Table:
    """Return which earlier tasks are how much alike, the most alike first."""
    likeness = adviser.belief.likeness()
    weights = sorted(likeness.items(), key=lambda each: -each[1])[:_ALIKE]
    weights += [each for each in likeness.items() if each[0] not in known.experience.tasks and each not in weights]
    rows = list[tuple[str, ...]]()
    for name, weight in weights:
        task = known.experience.tasks.get(name)
        size = "x".join(map(str, task.size)) if task and task.size else ""
        images, classes = (str(value or "") for value in (task.images, task.classes)) if task else ("", "")
        rows.append((name, f"{weight:.0%}", images, classes, size))
    return Table(("earlier task", "alike", "images", "classes", "pixels"), tuple(rows))


def _why(adviser: Adviser, known: _Known, results: Sequence[Result]) -> list[str]:
    """Return by what it was told which tasks are alike."""
    good = [result for result in results if result.status is Status.OK]
    if not good:
        return ["before any epoch on this task, all earlier ones count by what they have in common"]
    cells = Counter(result.epochs for result in good)
    told = ", ".join(f"{count} at epoch {epochs}" for epochs, count in sorted(cells.items()))
    return [f"alike by {len(good)} results here: {told}, of {len({r.job.trial.id for r in good})} configurations"]


def _cost(results: Sequence[Result], began: float, spent: bool) -> str:
    if not spent:
        return "no epoch was spent; --epochs N spends some where they say most"
    epochs = sum(result.job.stop - result.job.start for result in results)
    return f"{epochs} epochs in {duration(time.monotonic() - began)}"


def _evidence(adviser: Adviser, known: _Known, plan: Plan, place: int) -> dict[str, object]:
    """Return what best.json says of the configuration besides how to train it."""
    forecast, seen = adviser.forecast, adviser.seen(place)
    expected = {name: float(getattr(forecast, name)[place, -1]) for name in ("mean", "low", "high")}
    return {
        "space_source": plan.space.source,
        "objective": known.spec.objective,
        "constraints": [str(c) for c in known.spec.constraints],
        "expected": expected,
        "likeness": adviser.belief.likeness(),
        "trial": seen[-1].job.trial.id if seen else None,
        "epochs_trained": seen[-1].epochs if seen else 0,
        "validation": seen[-1].metrics if seen else None,
        "test": None,
    }

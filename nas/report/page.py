"""How do figures and tables become one page that needs nothing else?"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from nas.core.errors import UserError
from nas.core.slug import slugs
from nas.core.types import Result
from nas.core.words import one_line, quoted
from nas.report import facts, figures
from nas.report.facts import Table
from nas.report.figures import Drawing
from nas.report.importance import importance
from nas.report.style import inline, rules, save
from nas.report.trajectories import drawn
from nas.report.transfer.section import section
from nas.runs.disk import own_folder, write_atomically
from nas.runs.stored import StoredRun
from nas.training.trajectory import well_formed


@dataclass(frozen=True)
class Picture:
    """A drawing as it stands on the page."""

    title: str
    words: str
    svg: str


def write(runs: Sequence[StoredRun], path: Path) -> Path:
    """Write the report on the first run beside the others at `path`, its figures to a folder beside it.

    Returns the path. Raises UserError where a run has no result yet, or was another task, or `path` is no place.
    """
    run = runs[0]
    for each in runs:
        if not each.history:
            raise UserError(f"{each.directory} has no result yet: let it go on by nas resume {quoted(each.directory)}")
        if _task(each) != _task(run):
            told = " and ".join(f"{r.directory} {_asked(r).partition(' subject')[0].lower()}" for r in (run, each))
            raise UserError(f"{told}: only runs of one task stand side by side")
    if path.is_dir() or not path.parent.is_dir():
        raise UserError(f"--output {path}: give a file in a folder that exists")
    with rules():
        earlier = section(run)
        drawings = {**_drawings(runs), "transfer": earlier.drawings if earlier else []}
    return rendered("report.html.jinja", {**_content(runs), "transfer": earlier}, drawings, path)


def rendered(template: str, content: dict[str, object], drawings: dict[str, list[Drawing]], path: Path) -> Path:
    """Write the page at `path` and the figures as files to a folder beside it; return the path."""
    folder = own_folder(path.parent / ("figures" if path.stem in ("report", "comparison") else f"{path.stem}-figures"))
    named = iter(slugs(drawing.name for drawn in drawings.values() for drawing in drawn))
    pictures = {
        section: [_picture(drawing, folder / next(named)) for drawing in drawn] for section, drawn in drawings.items()
    }
    environment = Environment(
        loader=PackageLoader("nas.report"), autoescape=True, undefined=StrictUndefined, finalize=_visible
    )
    write_atomically(path, environment.get_template(template).render(**content, pictures=pictures))
    return path


def _visible(value: object) -> object:
    """Return a text with what is not seen written as escapes; HTML that the page itself has made stays."""
    return one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _picture(drawing: Drawing, file: Path) -> Picture:
    svg = save(drawing.figure, file)
    return Picture(drawing.title, drawing.words, inline(svg, file.name, drawing.title, drawing.words))


def _drawings(runs: Sequence[StoredRun]) -> dict[str, list[Drawing]]:
    """Return the figures of each section; those that there is nothing to draw for are left out."""
    run, named = runs[0], names(runs)
    expensive = [c.metric for c in run.spec.constraints if c.metric not in dict(run.history[0].job.trial.cheap)]
    sections = {
        "progress": [figures.progress(named, "time"), figures.progress(named, "epochs")],
        "trade_off": [figures.trade_off(run, c) for c in run.spec.constraints],
        "rungs": [figures.rungs(run)],
        "size": [figures.size(run)],
        "population": [figures.population(run)],
        "trajectories": _trajectories(run),
        "importance": [_importance(run, metric) for metric in dict.fromkeys([run.spec.objective, *expensive])],
    }
    return {name: [drawing for drawing in section if drawing] for name, section in sections.items()}


def _trajectories(run: StoredRun) -> list[Drawing | None]:
    """Return how the rate went in the folds of the incumbent, and in the training that was tested."""
    folds = well_formed(run.best.details.get("trajectories")) if run.best else []
    titles = ("The learning rate of the incumbent over steps", "The learning rate in the training that was tested")
    return [
        drawn("trajectory", titles[0], folds), drawn("trajectory-test", titles[1], facts.test_trajectories(run))
    ]  # fmt: skip


def _importance(run: StoredRun, metric: str) -> Drawing | None:
    found = importance(run, metric)
    return figures.importances(found, metric) if found else None


def _task(run: StoredRun) -> tuple[object, ...]:
    return run.spec.objective, run.spec.maximize, run.spec.details.get("data_digest")


def names(runs: Sequence[StoredRun]) -> dict[str, StoredRun]:
    """Return the runs by the names of their folders, or by their paths where two have one name."""
    short = [one_line(run.directory.resolve().name) for run in runs]
    long = [one_line(run.directory) for run in runs]
    return {path if short.count(name) > 1 else name: r for name, path, r in zip(short, long, runs, strict=True)}


def _content(runs: Sequence[StoredRun]) -> dict[str, object]:
    run = runs[0]
    best, spec = run.best, run.spec
    command, circumstances = facts.reproduction(run)
    return {
        "title": next(iter(names(runs))),
        "spec": spec,
        "asked": _asked(run),
        "found": _found(run, best),
        "feasible": bool(best and best.feasible),
        "constraints": facts.constraints(run, best) if best and spec.constraints else None,
        "side_by_side": _side_by_side(runs, best),
        "tested": bool(facts.tested(run)),
        "default_untested": facts.default_untested(run),
        "compared": len(facts.compared(run)),
        "alone": len(runs) == 1,
        "configuration": facts.configuration(best.job.trial.config) if best else None,
        "learned": facts.learned(run),
        "effort": facts.effort(run),
        "failures": facts.failures(run),
        "redraws": facts.redraws(run),
        "lineage": facts.lineage(run, best) if best else None,
        "command": command,
        "circumstances": circumstances,
        "version": metadata.version("constrained-nas"),
    }


def _asked(run: StoredRun) -> str:
    spec = run.spec
    data = f" on {spec.details['data']}" if "data" in spec.details else ""
    limits = " and ".join(str(c) for c in spec.constraints) or "no constraint"
    goal = "maximise" if spec.maximize else "minimise"
    how = f"{spec.strategy.name} with scheduler {spec.scheduler.name}, seed {spec.seed}"
    return f"Asked: {goal} {spec.objective}{data} subject to {limits}, by {how}."


def _found(run: StoredRun, best: Result | None) -> str:
    """Return the answer in one sentence."""
    objective, again = run.spec.objective, run.confirmation
    if best is None:
        return "No training succeeded."
    parts = [f"{objective} {facts.number(objective, best.metrics[objective])} in the search"]
    if again:
        spread = facts.number(objective, again.spread[objective])
        mean = facts.number(objective, again.mean[objective])
        times = "once" if again.count == 1 else f"{again.count} times"
        parts.append(f"{mean} ± {spread} when trained again {times}")
    test = facts.tested(run).get(objective)
    if test is not None:
        parts.append(f"{facts.number(objective, test)} on the test set")
    former = run.overtaken
    missed = "Whatever met all constraints failed when trained again" if former else "No network met all constraints"
    verdict = "" if best.feasible else f"{missed}; the nearest miss: "
    partly = "" if best.epochs == run.spec.max_epochs else f" after {best.epochs} epochs only"
    reached = f"{verdict}{best.job.trial.id} reaches {', '.join(parts)}{partly}."
    return f"{reached} {facts.overtaken(former, objective)}." if former else reached


def _side_by_side(runs: Sequence[StoredRun], best: Result | None) -> Table | None:
    """Return the incumbent beside the default configuration and the incumbents of the other runs."""
    columns = dict[str, dict[str, float]]()
    if best:
        columns["incumbent, in the search"] = best.metrics
    again = runs[0].confirmation
    if again:
        columns[f"mean of {again.count} more"] = again.mean
    columns["incumbent, test"] = facts.tested(runs[0])
    columns["default, test"] = facts.default_tested(runs[0])
    for name, other in list(names(runs).items())[1:]:
        columns[f"{name} ({other.spec.strategy.name}), test"] = facts.tested(other)
    first = [runs[0].spec.objective, *(c.metric for c in runs[0].spec.constraints)]
    return facts.metrics({name: values for name, values in columns.items() if values}, first)

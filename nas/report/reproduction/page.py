"""How does a reproduction become one page?"""

from importlib import metadata
from pathlib import Path

from nas.core.errors import UserError
from nas.report import facts, figures
from nas.report.facts import Table
from nas.report.page import rendered
from nas.report.reproduction import answer, costs, race, recipe, training
from nas.report.reproduction.found import Found, read
from nas.report.reproduction.remarks import remarks
from nas.report.reproduction.tuning import best_trials
from nas.report.style import rules


def write(directory: Path, path: Path) -> Path:
    """Write the page on the reproduction in `directory` at `path`, its figures to a folder beside it; return the path.

    Any phase may be missing or unfinished. Raises UserError where no reproduction is, or `path` is no place for a file.
    """
    found = read(directory)
    if path.is_dir() or not path.parent.is_dir():
        raise UserError(f"--output {path}: give a file in a folder that exists")
    ranked = race.runners(found.race) if found.race else []
    with rules():
        drawn = {
            "race": [race.curves(ranked)],
            "tuning": [figures.rungs(found.tuning)] if found.tuning else [],
            "training": [training.learning_curve(found), training.losses(found)],
        }
    drawings = {name: [drawing for drawing in section if drawing] for name, section in drawn.items()}
    return rendered("reproduction.html.jinja", _content(found, ranked), drawings, path)


def _content(found: Found, ranked: list[race.Runner]) -> dict[str, object]:
    asked = found.asked
    best, others = race.standings(ranked)
    return {
        "title": found.directory.resolve().name,
        "asked": f"Asked: {found.metric} {found.shown(asked.target)} by {asked.model} on {asked.data}, "
        f"{asked.epochs:,} epochs, {'seeds' if len(asked.seeds) > 1 else 'seed'} {', '.join(map(str, asked.seeds))}.",
        "verdict": answer.verdict(found),
        "reached": found.reached,
        "answers": answer.answers(found),
        "remarks": [*remarks(found)],
        "runners": len(ranked),
        "standings": best,
        "others": others,
        "rungs": race.rungs(found.race, ranked) if found.race else Table((), ()),
        "trials": best_trials(found.tuning) if found.tuning else Table((), ()),
        "failures": facts.failures(found.tuning) if found.tuning else Table((), ()),
        "phases": costs.phases(found),
        "states": [cost.state for cost in costs.costs(found)],
        "settings": recipe.settings(found),
        "command": recipe.command(found),
        "afterwards": recipe.afterwards(found),
        "circumstances": recipe.circumstances(found),
        "version": metadata.version("constrained-nas"),
    }

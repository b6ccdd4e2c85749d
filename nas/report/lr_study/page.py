"""How does a study of learning rates become one page?"""

import shlex
from importlib import metadata
from pathlib import Path

from nas.report.facts import reproduction
from nas.report.lr_study.drawings import over_steps, over_the_rate
from nas.report.lr_study.results import Outcome
from nas.report.lr_study.tables import at_each_rate, remarks, summary
from nas.report.page import rendered
from nas.report.style import rules
from nas.runs.stored import StoredRun


def write(outcome: Outcome, run: StoredRun, path: Path) -> Path:
    """Write the page at `path`, its figures to a folder beside it, and return the path."""
    study = outcome.study
    with rules():
        drawn = {"rates": over_the_rate(outcome), "steps": over_steps(outcome)}
    content: dict[str, object] = {
        "title": path.parent.resolve().name,
        "study": study,
        "data": run.spec.details.get("data", "?"),
        "space": run.spec.details.get("space", "?"),
        "summary": summary(outcome),
        "rates": at_each_rate(outcome),
        "remarks": [*remarks(outcome)],
        "configuration": study.config,
        "command": shlex.join(study.words),
        "circumstances": reproduction(run)[1],
        "version": metadata.version("constrained-nas"),
    }
    return rendered("lr_study.html.jinja", content, drawn, path)

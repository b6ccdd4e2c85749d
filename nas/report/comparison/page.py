"""How does a comparison become one page?"""

import shlex
from collections import Counter
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from nas.report.comparison.contest import Contest
from nas.report.comparison.drawings import bands, tests
from nas.report.comparison.statistics import SIGNIFICANT, Contrast, Entry, better, contrast_table, spec_of, summary
from nas.report.facts import reproduction
from nas.report.page import rendered
from nas.report.style import rules


def write(contest: Contest, entries: Sequence[Entry], found: Sequence[Contrast], path: Path) -> Path:
    """Write the page at `path`, its figures to a folder beside it, and return the path."""
    spec = spec_of(entries)
    with rules():
        drawn = [drawing for drawing in (tests(entries), bands(entries, "time"), bands(entries, "epochs")) if drawing]
    words = [
        "python", "-m", "nas.main", "compare", "--strategies", *contest.strategies, "--seeds", *map(str, contest.seeds),
        f"--test-seeds={contest.test_seeds}", *contest.words,
    ]  # fmt: skip
    content: dict[str, object] = {
        "title": path.parent.resolve().name,
        "contest": contest,
        "asked": f"{'maximise' if spec.maximize else 'minimise'} {spec.objective} on {spec.details.get('data', '?')} "
        f"subject to {' and '.join(map(str, spec.constraints)) or 'no constraint'}",
        "summary": summary(entries),
        "contrasts": contrast_table(found, spec.objective),
        "verdicts": _verdicts(found, len(contest.seeds), spec.objective),
        "command": shlex.join(words),
        "circumstances": reproduction(entries[0].run)[1],
        "version": metadata.version("constrained-nas"),
    }
    return rendered("comparison.html.jinja", content, {"all": drawn}, path)


def _verdicts(found: Sequence[Contrast], seeds: int, objective: str) -> list[str]:
    """Return who beats whom, on how many seeds."""
    beaten = Counter[tuple[str, str]]()
    for each in found:
        if each.corrected < SIGNIFICANT:
            first = each.only_one > each.only_other
            beaten[(each.one, each.other) if first else (each.other, each.one)] += 1
    word = f"{better(objective)} than"
    return [f"{one} {word} {other} on {count} of {seeds} seeds" for (one, other), count in beaten.most_common()]

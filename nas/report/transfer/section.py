"""What does the report say of earlier tasks? Figures, the best configurations in a table, and what cannot be told."""

from dataclasses import dataclass

from nas.core.types import Config
from nas.report.facts import Table, number
from nas.report.figures import Drawing
from nas.report.transfer.drawings import TOP, drawings
from nas.report.transfer.learned import Learned, learned
from nas.runs.stored import StoredRun


@dataclass(frozen=True)
class Section:
    """One section of the report."""

    drawings: list[Drawing]
    best: Table
    untold: str  # why there is no figure of the regret


def section(run: StoredRun) -> Section | None:
    """Return the section, to be drawn within `style.rules()`; None for a search that learned from no earlier task."""
    found = learned(run)
    if found is None:
        return None
    drawn = [drawing for drawing in drawings(found) if drawing]
    told = any(drawing.name == "regret" for drawing in drawn)
    return Section(drawn, _best(found), "" if told else _untold(found))


def _best(found: Learned) -> Table:
    metric, forecast = found.spec.objective, found.after.forecast
    rows = list[tuple[str, ...]]()
    for place in found.best(TOP):
        mean, low, high = (
            number(metric, float(each[place, -1])) for each in (forecast.mean, forecast.low, forecast.high)
        )
        seen = ", ".join(f"{number(metric, value)} at {epochs}" for epochs, value in found.seen(place)[-1:])
        rows.append((found.trials[place], mean, f"{low} .. {high}", seen, _short(found.configs[place])))
    return Table(("trial", f"expected {metric}", "90 % interval", "seen at epoch", "configuration"), tuple(rows))


def _short(config: Config) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in config.items
    )


def _untold(found: Learned) -> str:
    full = sum(found.after.reached(place) == found.knots[-1] for place in found.trials)
    return (
        f"How much worse the recommendation was than the best is not known: {full} of {len(found.trials)} "
        "configurations were trained in full."
    )

"""What has a reproduction found so far? Its phases as its folder has them; any of them may be missing."""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean

from nas.core.constraints import Constraint, parse, total_violation
from nas.core.directions import less_is_better
from nas.reproduction import target
from nas.runs.folder import JOURNAL, SPEC
from nas.runs.reproduced import OPTIMIZERS, TUNING, Full, Point, Reproduction
from nas.runs.saved import Saved
from nas.runs.saved import read as read_saved
from nas.runs.stored import StoredRun, open_run


@dataclass(frozen=True)
class Found:
    """What was asked, the runs of phases 1 and 2, the full trainings that have begun, and the answer."""

    directory: Path
    asked: Reproduction
    race: StoredRun | None
    tuning: StoredRun | None
    fulls: tuple[Full, ...]
    best: Saved | None

    @property
    def metric(self) -> str:
        return self.asked.metric.removeprefix("-")

    @cached_property
    def maximize(self) -> bool:
        """Whether more of the metric is better."""
        if self.tuning and self.tuning.spec.objective == self.metric:
            return self.tuning.spec.maximize
        return not (self.asked.metric.startswith("-") or less_is_better(self.metric))

    @property
    def judged(self) -> tuple[Full, ...]:
        """The full trainings that were judged at least once."""
        return tuple(full for full in self.fulls if full.at_best)

    @property
    def values(self) -> list[float]:
        """The metric at the best epoch of each training that was judged."""
        return [self.value(full.at_best) for full in self.judged]

    @property
    def reached(self) -> bool:
        """Whether the best epoch reached the target, in the mean over seeds, and meets the constraints."""
        met = all(self.feasible(full.at_best) for full in self.judged)
        return bool(self.values) and self.reaches(fmean(self.values)) and met

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """The constraints that were asked for."""
        return tuple(map(parse, self.asked.asked.get("constraints", ())))

    def feasible(self, point: Point | None) -> bool:
        """Return whether the network met the constraints there, those that are judged after training."""
        judged = [each for each in self.constraints if point and each.metric in point.metrics]
        return point is not None and not total_violation(judged, point.metrics)

    def value(self, point: Point | None) -> float:
        """Return the metric at a point of the curve; NaN where there is none."""
        return point.metrics.get(self.metric, math.nan) if point else math.nan

    def share(self, value: float) -> float:
        """Return which share of the target a value is."""
        return value / self.asked.target if self.asked.target else math.nan

    def reaches(self, value: float) -> bool:
        """Return whether the target is reached by a value."""
        return value >= self.asked.target if self.maximize else value <= self.asked.target

    def met(self, full: Full) -> Point | None:
        """Return where a training reached the target first, the constraints met."""
        return next((point for point in full.curve if self.reaches(self.value(point)) and self.feasible(point)), None)

    @property
    def seconds_before(self) -> float:
        """How long the phases before the full training took."""
        return sum(seconds(run) for run in (self.race, self.tuning) if run)

    def shown(self, value: float, spread: float | None = None) -> str:
        """Return a value of the metric as people read it: shares in percent."""
        told = target.shown(value, self.metric)
        return told if spread is None else f"{told.removesuffix(' %')} ± {target.shown(spread, self.metric)}"


def seconds(run: StoredRun) -> float:
    """Return how long a search took until its last result, in all its parts."""
    return max((result.elapsed for result in run.committed), default=0.0)


def read(directory: Path) -> Found:
    """Return what is in `directory`. Raises UserError where no reproduction is, or a file is not whole."""
    asked = Reproduction.read(directory)
    fulls = (Full.read(directory, seed) for seed in asked.seeds)
    best = directory / "best.json"
    return Found(
        directory, asked, _run(directory / OPTIMIZERS), _run(directory / TUNING),
        tuple(full for full in fulls if full), read_saved(best) if best.exists() else None,
    )  # fmt: skip


def _run(directory: Path) -> StoredRun | None:
    """Return the run of a phase; None where it has no result yet."""
    if not (directory / SPEC).exists() or not (directory / JOURNAL).exists():
        return None
    run = open_run(directory)
    return run if run.history else None

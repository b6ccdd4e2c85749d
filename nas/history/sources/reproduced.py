"""What does the folder of a reproduction give? The curves of its tuning, and those of its full trainings."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nas.core.errors import UserError
from nas.core.types import Config
from nas.data.catalog import is_apart
from nas.history.sources import runs
from nas.history.sources.data import name_of, task_of
from nas.history.sources.found import Found
from nas.history.values import Curve
from nas.runs.folder import JOURNAL
from nas.runs.reproduced import TUNING, Full, Reproduction
from nas.runs.saved import Saved, read

_BEST = "best.json"  # what the full trainings had for a configuration, once one was judged


def found(directory: Path, task: str | None = None) -> list[Found]:
    """Return what the tuning in `directory` gives, if there was one, and what the full trainings do.

    All are of one task, which is called as the data are, or `task`: the images that the full trainings have. Raises
    UserError where nothing was judged yet, or a file is something else.
    """
    asked = Reproduction.read(directory)
    tuning = directory / TUNING
    tuned = [runs.of_run(tuning, task, official=True)] if (tuning / JOURNAL).exists() else []
    trained = [_of_trainings(directory, asked, task)] if (directory / _BEST).exists() else []
    if not tuned and not trained:
        raise UserError(f"{directory} has neither tuned nor trained to the end of an epoch yet: nas resume goes on")
    return tuned + trained


def _of_trainings(directory: Path, asked: Reproduction, task: str | None) -> Found:
    saved = read(directory / _BEST)
    details = {
        "data": saved.data, "image_size": saved.image_size, "official": True,
        "data_digest": saved.evidence.get("data_digest", ""),
    }  # fmt: skip
    name = task or name_of(details)
    known, note = task_of(name, details)
    seen = _may_be_seen(saved.data)
    curves = list(_curves(directory, asked, saved, name)) if seen else []
    kept = "" if seen else "full trainings are left out: test images have judged them, which no search may know of"
    notes = tuple(filter(None, [note, kept]))
    return Found(str(directory), saved.space, saved.space_digest, (known,), curves, notes)


def _may_be_seen(data: str) -> bool:
    """Return whether what judged the full trainings is val/ of a folder, and not what a search keeps for its end."""
    try:
        return is_apart(data)
    except UserError:
        return False  # they have moved away


def _curves(directory: Path, asked: Reproduction, saved: Saved, task: str) -> Iterator[Curve]:
    """Yield the curve of each seed that has one."""
    decisive: dict[str, Any] = {"recipe": saved.recipe, "judged": saved.evidence.get("judged")}
    for seed in asked.seeds:
        full = Full.read(directory, seed)
        points = dict[int, dict[str, float]]()
        for point in full.curve if full else ():
            if metrics := {name: value for name, value in point.metrics.items() if math.isfinite(value)}:
                points[point.epoch] = metrics
        if full and points:
            seconds = {point.epoch: point.seconds for point in full.curve if point.epoch in points}
            config = Config.of(saved.config)
            yield Curve(task, config, seed, points, {}, seconds, full.epochs, runs.setting(decisive))

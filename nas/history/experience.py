"""What does a search know of earlier tasks? The curves of its own space, as the history had them when it began."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas.core.described import described, digest
from nas.core.errors import UserError
from nas.core.plain import canonical
from nas.history.history import History
from nas.history.values import Curve, Task
from nas.runs.disk import replacing

FILE = "experience.sqlite"  # in the folder of a run: a history of its own, of one space


@dataclass(frozen=True)
class Experience:
    """What was learned of one space on earlier tasks. Nothing, where no history was given or it has none of it."""

    space: str = ""  # digest of the space
    name: str = ""  # of the space, in the history
    given: bool = False  # whether there was a history at all
    tasks: Mapping[str, Task] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()

    def described(self) -> dict[str, Any]:
        """Return what tells one from another: names of the tasks, the number of curves and a digest of all of it."""
        return {"tasks": sorted(self.tasks), "curves": len(self.curves), "digest": self._digest}

    def told(self, space: str) -> str:
        """Return in a line what is known of the space of that name."""
        if not self.curves:
            return f"history: nothing of the space {space}, so all is as without it"
        return f"history: {len(self.curves)} learning curves of {len(self.tasks)} earlier tasks"

    def keep(self, directory: Path) -> None:
        """Write it to the folder of a run, which then goes on whatever becomes of the history."""
        file = directory / FILE
        if self.given and not file.exists():
            with replacing(file) as temporary, History(temporary, create=True) as kept:
                kept.add(self.name, self.space, self.tasks.values(), self.curves, "the history")

    @cached_property
    def _digest(self) -> str:
        known = blake2b(digest_size=8)
        for curve in self.curves:
            points = {str(epoch): dict(metrics) for epoch, metrics in curve.points.items()}
            known.update(canonical([curve.task, curve.config.id, curve.seed, curve.full_epochs, points]).encode())
        return known.hexdigest()


NOTHING = Experience()


def experience(history: Path | str | None, space: ConfigurationSpace, directory: Path | None = None) -> Experience:
    """Return what `history` knows of `space`, as the run in `directory` has read it where one was begun there.

    Raises UserError where there is no such history, or it is no history.
    """
    if history is None:
        return NOTHING
    kept = directory / FILE if directory else None
    if kept is None or not kept.exists():
        return _read(Path(history), space)
    found = _read(kept, space)
    if _changed(Path(history), space, found):
        logging.getLogger(__name__).warning(
            "%s has changed since %s was begun, which goes on with what it had read then", history, directory
        )
    return found


def _read(path: Path, space: ConfigurationSpace) -> Experience:
    own = digest(described(space))
    with History(path) as history:
        names = history.spaces()
        if own not in names:
            return Experience(own, given=True)
        return Experience(own, names[own], True, history.tasks(own), tuple(history.curves(own)))


def _changed(path: Path, space: ConfigurationSpace, known: Experience) -> bool:
    try:
        return _read(path, space).described() != known.described()
    except UserError:  # it is not there any more, which is no harm
        return False

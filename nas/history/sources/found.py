"""What does a source give? Tasks and curves of one space, and what was left out."""

from dataclasses import dataclass

from nas.history.history import History
from nas.history.values import Added, Curve, Task


@dataclass(frozen=True)
class Found:
    """`source` names where it lies, in messages; `notes` are lines for people."""

    source: str
    space: str
    digest: str
    tasks: tuple[Task, ...]
    curves: list[Curve]
    notes: tuple[str, ...] = ()

    def add_to(self, history: History) -> Added:
        """Add all of it or nothing. Raises what `History.add` does."""
        return history.add(self.space, self.digest, self.tasks, self.curves, self.source)

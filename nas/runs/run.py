"""What does a search leave? Its results, the incumbent among them, and why it ended."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nas.core.confirmation import Confirmed, Estimate, incumbent, of_incumbent, overtaken
from nas.core.spec import RunSpec
from nas.core.types import Result

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Run:
    """What a search leaves. `trials` holds every result, one a rung, in logical order."""

    spec: RunSpec
    trials: list[Result]
    stopped: str
    redraws: Counter[str] = field(default_factory=Counter)
    run_dir: Path | None = None
    checkpoint_bytes: int = 0  # the most that checkpoints took at a time

    @property
    def best(self) -> Result | None:
        """The incumbent: the best feasible result at full budget, else the one with the smallest violation.

        Where the few best were trained again, all their evaluations count.
        """
        return incumbent(self.trials, self.spec)

    @property
    def overtaken(self) -> Confirmed | None:
        """The best of the search, where being trained again made another the incumbent."""
        return overtaken(self.trials, self.spec)

    @property
    def confirmation(self) -> Estimate | None:
        """What the incumbent reached when it was trained again; None where it was not, or never came to an end."""
        return of_incumbent(self.trials, self.spec)

    @property
    def frame(self) -> "DataFrame":
        """A pandas DataFrame with one row a result. Raises UserError where pandas is not installed."""
        from nas.runs.frame import frame_of

        return frame_of(self.trials, self.spec)

    @property
    def total_epochs(self) -> int:
        """Epochs trained in all."""
        return sum(result.job.stop - result.job.start for result in self.trials)

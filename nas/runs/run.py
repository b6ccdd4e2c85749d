"""What does a search leave? Its results, the incumbent among them, and why it ended."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nas.core.spec import RunSpec
from nas.core.types import Result
from nas.runs.findings import Findings

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Run(Findings):
    """What a search leaves. `trials` holds every result, one a rung, in logical order: `results` and `repetitions`."""

    spec: RunSpec
    trials: list[Result]
    stopped: str
    redraws: Counter[str] = field(default_factory=Counter)
    run_dir: Path | None = None
    checkpoint_bytes: int = 0  # the most that checkpoints took at a time

    def _all(self) -> Sequence[Result]:
        return self.trials

    @property
    def frame(self) -> "DataFrame":
        """A pandas DataFrame with one row a result. Raises UserError where pandas is not installed."""
        from nas.runs.frame import frame_of

        return frame_of(self.trials, self.spec)

    @property
    def total_epochs(self) -> int:
        """Epochs trained in all."""
        return sum(result.job.stop - result.job.start for result in self.trials)

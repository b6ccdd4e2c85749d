"""How does a search train by several processes? The first asks for a trial, and all train it together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.training.together.group import current


@dataclass(frozen=True)
class Led:
    """The trainer `task`, called in every process."""

    task: Any

    def __call__(self, config: dict[str, Any], *, epochs: int, start: int, seed: int, checkpoint: Path) -> Any:
        """Return what the task does."""
        return current().call(self.task, config, epochs=epochs, start=start, seed=seed, checkpoint=checkpoint)

"""Where does a trial's training state lie, and when is it deleted?

Each job writes to a path of its own, on which it finds a copy of the state it continues from. So whatever happens to
the job, the state before it is whole until its result is committed.
"""

import shutil
import tempfile
from pathlib import Path

from nas.types import Job


class Checkpoints:
    """The checkpoints of one run under `root`, or under a temporary folder that goes with the run."""

    def __init__(self, root: Path | None) -> None:
        self._temporary = None if root else tempfile.TemporaryDirectory(prefix="nas-")
        self.root = root or Path(self._temporary.name if self._temporary else "")

    def path(self, trial_id: str, epochs: int) -> Path:
        """Return where the state of a trial after so many epochs lies, a file or a folder as its trainer likes."""
        return self.root / f"{trial_id}@{epochs}"

    def prepare(self, job: Job) -> Path:
        """Return the path for `job`, holding a copy of the state at its start if the trainer left one."""
        self.root.mkdir(parents=True, exist_ok=True)
        before, path = self.path(job.trial.id, job.start), self.path(*job.key)
        _delete(path)
        if before.is_dir():
            shutil.copytree(before, path)
        elif before.exists():
            shutil.copy2(before, path)
        return path

    def committed(self, job: Job) -> None:
        """The result of `job` is safe: the state it began from is not needed any more."""
        _delete(self.path(job.trial.id, job.start))

    def drop(self, trial_id: str) -> None:
        """The trial cannot go on: delete all its states."""
        for path in self.root.glob(f"{trial_id}@*"):
            _delete(path)

    def close(self) -> None:
        """Remove the temporary folder, or the folder of the run where it is empty."""
        if self._temporary:
            self._temporary.cleanup()
        elif self.root.exists() and not any(self.root.iterdir()):
            self.root.rmdir()


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

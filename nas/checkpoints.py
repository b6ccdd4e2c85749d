"""Where does a trial's training state lie, is it what was left there, and when is it deleted?

Each job writes to a path of its own, on which it finds a copy of the state it continues from. So whatever happens to
the job, the state before it is whole until its result is committed.
"""

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from nas import faults
from nas.disk import own_folder, sync
from nas.errors import disk_is_full
from nas.types import Job


@dataclass(frozen=True)
class Left:
    """What a job left on its path: the digest of its content, "" for nothing, and its size in bytes."""

    digest: str = ""
    size: int = 0


@dataclass(frozen=True)
class States:
    """Where a job finds the state it starts from, what that must be, and where it leaves its own."""

    before: Path
    expected: str  # digest of `before`; "" where the trainer left nothing
    after: Path

    def prepare(self) -> bool:
        """Put a copy of the state before on the path of the job; return whether it is what was left there."""
        _delete(self.after)
        self.after.parent.mkdir(parents=True, exist_ok=True)
        if not self.expected:
            return True
        try:
            if self.before.is_dir():
                shutil.copytree(self.before, self.after)
            elif self.before.exists():
                shutil.copy2(self.before, self.after)
            faults.point("checkpoint.copied")
            whole = measured(self.after).digest == self.expected
        except (OSError, shutil.Error) as error:
            if disk_is_full(error):
                raise
            whole = False  # it cannot be read
        if not whole:
            _delete(self.after)
        return whole

    def settle(self) -> Left:
        """Return what the job left, once it is on disk for good."""
        left = list(_files(self.after))
        for path in (*left, self.after.parent) if left else ():
            sync(path)
        faults.point("checkpoint.synced")
        return measured(self.after) if left else Left()


class Checkpoints:
    """The checkpoints of one run under `root`, or under a temporary folder that goes with the run."""

    def __init__(self, root: Path | None) -> None:
        self._temporary = None if root else tempfile.TemporaryDirectory(prefix="nas-")
        self.root = (root or Path(self._temporary.name if self._temporary else "")).absolute()
        if root and os.path.lexists(root):
            own_folder(root)  # what lies behind a link is not ours to delete
        found = self.root.iterdir() if self.root.exists() else ()
        self._sizes = {path.name: _size(path) for path in found}
        self.peak = self._now = sum(self._sizes.values())

    def path(self, trial_id: str, epochs: int) -> Path:
        """Return where the state of a trial after so many epochs lies, a file or a folder as its trainer likes."""
        return self.root / f"{trial_id}@{epochs}"

    def states(self, job: Job, expected: str) -> States:
        """Return the paths of `job`; from now on there may be a copy of the state before it."""
        before, after = self.path(job.trial.id, job.start), self.path(*job.key)
        self._hold(after, self._sizes.get(before.name, 0) if expected else 0)
        return States(before, expected, after)

    def committed(self, job: Job, size: int) -> None:
        """The result of `job` is safe: the state it began from is not needed any more, nor a part of its own."""
        after = self.path(*job.key)
        self._hold(after, size)
        self._release(self.path(job.trial.id, job.start))
        _delete(unfinished(after))
        for path in self.root.iterdir() if self.root.exists() else ():
            if path.suffix == ".tmp" and _owner(path.name) == job.trial.id:  # of a worker that was killed as it saved
                _delete(path)

    def drop(self, trial_id: str) -> None:
        """The trial cannot go on: delete all its states."""
        for name in [name for name in self._sizes if _owner(name) == trial_id]:
            self._release(self.root / name)

    def sweep(self, gone: Collection[str] | None) -> None:
        """Delete what is left of the trials `gone`, or of all: copies of jobs that ran twice or were killed."""
        for path in self.root.iterdir() if self.root.exists() else ():
            if gone is None or _owner(path.name) in gone:
                self._release(path)

    def close(self) -> None:
        """Remove the temporary folder, or the folder of the run where it is empty."""
        if self._temporary:
            self._temporary.cleanup()
        elif self.root.exists() and not any(self.root.iterdir()):
            self.root.rmdir()

    def _hold(self, path: Path, size: int) -> None:
        self._now += size - self._sizes.get(path.name, 0)
        self._sizes[path.name] = size
        self.peak = max(self.peak, self._now)

    def _release(self, path: Path) -> None:
        faults.point("checkpoint.delete")
        self._now -= self._sizes.pop(path.name, 0)
        _delete(path)


def _owner(name: str) -> str:
    return name.rpartition("@")[0]


def measured(path: Path) -> Left:
    """Return digest and size of what lies at `path` now, a file or a folder."""
    files = list(_files(path))
    if not files:
        return Left()
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        digest.update(f"{file.relative_to(path)}:{file.stat().st_size}:".encode())
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    return Left(digest.hexdigest(), sum(file.stat().st_size for file in files))


def unfinished(path: Path) -> Path:
    """Return where a trainer may keep what it has of the job that writes to `path`: it goes when the trial goes."""
    trial_id, _, epochs = path.name.rpartition("@")
    return path.with_name(f"{trial_id}@to-{epochs}")


def _files(path: Path) -> Iterator[Path]:
    """Yield the file at `path`, or the files below it, in the order of their names."""
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.is_file())
    elif path.exists():
        yield path


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in _files(path))


def _delete(path: Path) -> None:
    """Delete a file or folder; what cannot be deleted is told and stays: nothing hangs on it."""
    try:
        _remove(path)
    except OSError as error:
        logging.getLogger(__name__).warning("%s cannot be deleted: %s", path, error)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except (IsADirectoryError, PermissionError):  # a folder, on Linux and elsewhere
        if not path.is_dir():
            raise
        shutil.rmtree(path)

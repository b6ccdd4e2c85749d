"""Where does a trial's training state lie, is it what was left there, and when is it deleted?

Each job has a folder of its own, TRIAL/EPOCHS, and all of it is the checkpoint. TRIAL is the id of the trial, or made
of it where that is free text. The trainer is given the path `state` in it and may take that for a file, a folder, or
the beginning of names. There it finds a copy of the state it continues from. So whatever happens to the job, the state
before it is whole until its result is committed.

In runs of before a state was the file or folder TRIAL@EPOCHS. It is continued from, and goes, like any other.
"""

import hashlib
import logging
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nas.core import faults
from nas.core.errors import disk_is_full
from nas.core.slug import slug
from nas.core.types import Job, order_of
from nas.runs.disk import own_folder, sync, writing

_TRIAL = re.compile(r"g\d+\.b\d+\.\d+(\.r\d+)?|trial-[a-z0-9_-]+-[0-9a-f]{16}")
_OURS = re.compile(rf"g\d+\.b\d+\..*|{_TRIAL.pattern}")  # what trainers made of TRIAL@EPOCHS with their suffix, too


def folder_of(trial_id: str) -> str:
    """Return the name of the folder of a trial: its id where that says its order, else safe text and a hash of it."""
    if order_of(trial_id):
        return trial_id
    return f"trial-{slug(trial_id)}-{hashlib.blake2b(trial_id.encode(), digest_size=8).hexdigest()}"


@dataclass(frozen=True)
class Left:
    """What a job left in its folder: the digest of its content, "" for nothing, and its size in bytes."""

    digest: str = ""
    size: int = 0


@dataclass(frozen=True)
class States:
    """Where a job finds the state it starts from, what that must be, and in which folder it leaves its own."""

    before: Path
    expected: str  # digest of `before`; "" where the trainer left nothing
    after: Path

    @property
    def checkpoint(self) -> Path:
        """The path that the trainer is given; without a dot, so that any suffix keeps it apart from others."""
        return self.after / "state"

    def prepare(self) -> bool:
        """Put a copy of the state before into the folder of the job; return whether it is what was left there."""
        try:
            self.after.mkdir()
        except OSError:  # something is there, or the folder above it is not
            delete(self.after)
            self.after.mkdir(parents=True, exist_ok=True)
        if not self.expected:
            return True
        copy = self.checkpoint if _is_former(self.before.name) else self.after
        try:
            if self.before.is_dir():
                shutil.copytree(self.before, copy, dirs_exist_ok=True)
            elif self.before.exists():
                shutil.copy2(self.before, copy)
            faults.point("checkpoint.copied")
            whole = measured(copy).digest == self.expected
        except (OSError, shutil.Error) as error:
            if disk_is_full(error):
                raise
            whole = False  # it cannot be read
        if not whole:
            delete(self.after)
            self.after.mkdir(exist_ok=True)
        return whole

    def settle(self) -> Left:
        """Return what the job left, once it is on disk for good."""
        with suppress(OSError):  # it is not empty
            self.after.rmdir()
            return Left()
        left = measured(self.after)
        if left.digest:
            folders = {parent for file in _files(self.after) for parent in file.relative_to(self.after).parents}
            for path in (*_files(self.after), *(self.after / folder for folder in folders), *self.after.parents[:2]):
                sync(path)
        else:
            delete(self.after)
        faults.point("checkpoint.synced")
        return left


class Checkpoints:
    """The checkpoints of one run under `root`, or under a temporary folder that goes with the run."""

    def __init__(self, root: Path | None) -> None:
        self._temporary = None if root else tempfile.TemporaryDirectory(prefix="nas-")
        self.root = (root or Path(self._temporary.name if self._temporary else "")).absolute()
        if root and os.path.lexists(root):
            own_folder(root)  # what lies behind a link is not ours to delete
        self._sizes = {path: _size(path) for path in _found(self.root)}
        self._begun = set[str]()  # trials whose folders were made or looked at
        self._former = [path.name for path in self._sizes if path.parent == self.root]
        self.peak = self._now = sum(self._sizes.values())

    def folder(self, trial_id: str, epochs: int) -> Path:
        """Return the folder of the state of a trial after so many epochs."""
        return self.root / folder_of(trial_id) / str(epochs)

    def states(self, job: Job, expected: str) -> States:
        """Return the paths of `job`; from now on there may be a copy of the state before it.

        Raises Corrupt where there is something else than a folder in place of one of ours, such as a link.
        """
        if job.trial.id not in self._begun:
            with writing(self.root):
                own_folder(own_folder(self.root) / folder_of(job.trial.id))
            self._begun.add(job.trial.id)
        before, after = self._before(job), self.folder(*job.key)
        self._hold(after, self._sizes.get(before, 0) if expected else 0)
        return States(before, expected or self._untraceable(job), after)

    def committed(self, job: Job, size: int) -> None:
        """The result of `job` is safe: the state it began from is not needed any more, nor a part of its own."""
        after = self.folder(*job.key)
        self._hold(after, size)
        self._release(self._before(job))
        self._release(_unfinished(after))

    def drop(self, trial_id: str) -> None:
        """The trial cannot go on: delete all its states."""
        name = folder_of(trial_id)
        states = [path for path in self._sizes if name in (path.parent.name, _owner(path))]
        for path in states:
            self._release(path)
        self._begun.discard(trial_id)
        if states:
            self._release(self.root / name)

    def sweep(self, gone: Collection[str] | None) -> None:
        """Delete what is left of the trials `gone`, or of all: copies of jobs that ran twice or were killed."""
        names = None if gone is None else set(map(folder_of, gone))
        for path in self.root.iterdir() if self.root.exists() else ():
            if _OURS.fullmatch(path.name) if names is None else _owner(path) in names:
                self._release(path)

    def close(self) -> None:
        """Remove the temporary folder, or the folder of the run where no state is in it."""
        if self._temporary:
            self._temporary.cleanup()
            return
        for path in (*self.root.glob("*"), self.root):
            with suppress(OSError):  # it is a file, or holds one
                path.rmdir()

    def _before(self, job: Job) -> Path:
        """Return the folder of the state before `job`, or the place that it had in runs of before."""
        former = self.root / f"{job.trial.id}@{job.start}"
        return former if former in self._sizes else self.folder(job.trial.id, job.start)

    def _untraceable(self, job: Job) -> str:
        """Return a digest that nothing has where a trainer left, under a name of its own, what may be another trial's.

        In runs of before, "TRIAL@EPOCHS" with another suffix was the same for all trials of a bracket.
        """
        former = Path(f"{job.trial.id}@{job.start}")
        own, shared = (name.startswith(former.name) for name in self._former), f"{former.stem}."
        lost = any(own) or any(name.startswith(shared) and not _is_former(name) for name in self._former)
        return "unknown" if job.start and lost else ""

    def _hold(self, path: Path, size: int) -> None:
        self._now += size - self._sizes.get(path, 0)
        self._sizes[path] = size
        self.peak = max(self.peak, self._now)

    def _release(self, path: Path) -> None:
        self._now -= self._sizes.pop(path, 0)
        with suppress(FileNotFoundError, NotADirectoryError):
            if stat.S_ISDIR(path.lstat().st_mode) and not any(path.iterdir()):
                path.rmdir()
                return
            faults.point("checkpoint.delete")
            delete(path)


def kept(root: Path) -> Iterator[tuple[str, int, Path]]:
    """Yield the states that lie under `root`, with the folder of the trial and epochs."""
    for path in _found(root):
        trial_id, _, epochs = path.name.rpartition("@")
        if epochs.isdecimal():
            yield trial_id or path.parent.name, int(epochs), path


def _found(root: Path) -> Iterator[Path]:
    """Yield what lies under `root` for a job each: its folder, or what there was in runs of before."""
    for path in sorted(root.iterdir()) if root.exists() else ():
        if not _TRIAL.fullmatch(path.name):
            if _OURS.fullmatch(path.name):
                yield path
        elif path.is_dir() and not path.is_symlink():
            yield from sorted(path.iterdir())


def _is_former(name: str) -> bool:
    return "@" in name


def _owner(path: Path) -> str:
    return path.name.partition("@")[0]


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


def unfinished(checkpoint: Path) -> Path:
    """Return where a trainer may keep what it has of the job that writes to `checkpoint`: it goes with the job."""
    return _unfinished(checkpoint.parent) / checkpoint.name


def _unfinished(folder: Path) -> Path:
    return folder.parent / f"to-{folder.name}"


def _files(path: Path) -> Iterator[Path]:
    """Yield the file at `path`, or the files below it, in the order of their names."""
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.is_file())
    elif path.exists():
        yield path


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in _files(path))


def delete(path: Path) -> None:
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

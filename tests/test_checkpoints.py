"""A job finds the state it goes on from, which stays whole until the job's result is committed."""

from pathlib import Path

import pytest

from nas.checkpoints import Checkpoints
from nas.types import Config, Job, Trial


def job(start: int, stop: int, trial: str = "g0.b0.1") -> Job:
    return Job(Trial(trial, Config(()), 0), start, stop)


def save(path: Path, text: str, folder: bool) -> None:
    if folder:
        path.mkdir(exist_ok=True)
        path = path / "weights"
    path.write_text(text)


def state(path: Path) -> str:
    return (path / "weights" if path.is_dir() else path).read_text()


@pytest.mark.parametrize("folder", [False, True])
def test_a_job_finds_the_state_it_left_which_is_whole_until_committed(tmp_path: Path, folder: bool) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    first = checkpoints.prepare(job(0, 3))
    assert not first.exists()
    save(first, "after 3", folder)
    checkpoints.committed(job(0, 3))

    for attempt in ("crashes half-way", "succeeds"):
        second = checkpoints.prepare(job(3, 6))
        assert state(second) == "after 3", attempt
        save(second, attempt, folder)
        assert state(checkpoints.path("g0.b0.1", 3)) == "after 3"

    checkpoints.committed(job(3, 6))
    assert not checkpoints.path("g0.b0.1", 3).exists()
    assert state(checkpoints.path("g0.b0.1", 6)) == "succeeds"


@pytest.mark.parametrize("folder", [False, True])
def test_a_new_job_finds_nothing_of_an_attempt_that_was_killed(tmp_path: Path, folder: bool) -> None:
    save(Checkpoints(tmp_path).prepare(job(0, 3)), "half", folder)
    assert not Checkpoints(tmp_path).prepare(job(0, 3)).exists()


def test_dropping_a_trial_deletes_all_its_states_and_no_others(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for trial in ("g0.b0.1", "g0.b0.10", "g0.b0.11", "g10.b0.1"):
        for epochs in (3, 6):
            save(checkpoints.prepare(job(0, epochs, trial)), trial, folder=epochs == 6)
    checkpoints.drop("g0.b0.1")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"{trial}@{epochs}" for trial in ("g0.b0.10", "g0.b0.11", "g10.b0.1") for epochs in (3, 6)}


def test_a_temporary_folder_goes_at_close() -> None:
    checkpoints = Checkpoints(None)
    save(checkpoints.prepare(job(0, 3)), "state", folder=True)
    assert checkpoints.root.is_dir()
    checkpoints.close()
    assert not checkpoints.root.exists()


def test_the_folder_of_a_run_goes_at_close_only_when_it_is_empty(tmp_path: Path) -> None:
    root = tmp_path / "checkpoints"
    checkpoints = Checkpoints(root)
    save(checkpoints.prepare(job(0, 3)), "state", folder=False)
    checkpoints.close()
    assert [path.read_text() for path in root.iterdir()] == ["state"]
    checkpoints.drop("g0.b0.1")
    checkpoints.close()
    assert not root.exists()

"""A job finds the state it goes on from, which stays whole until the job's result is committed."""

from pathlib import Path

import pytest

from nas.checkpoints import Checkpoints, Left, measured, unfinished
from nas.types import Config, Job, Trial

ONE = "g0.b0.1"


def job(start: int, stop: int, trial: str = ONE) -> Job:
    return Job(Trial(trial, Config(()), 0), start, stop)


def train(checkpoints: Checkpoints, job: Job, text: str, folder: bool = False, expected: str = "") -> Left:
    """Do as a worker does: take over the state before, leave another."""
    states = checkpoints.states(job, expected)
    assert states.prepare()
    save(states.after, text, folder)
    return states.settle()


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
    left = train(checkpoints, job(0, 3), "after 3", folder)
    checkpoints.committed(job(0, 3), left.size)

    for attempt in ("crashes half-way", "succeeds"):
        states = checkpoints.states(job(3, 6), left.digest)
        assert states.prepare()
        assert state(states.after) == "after 3", attempt
        save(states.after, attempt, folder)
        assert state(states.before) == "after 3"

    checkpoints.committed(job(3, 6), 8)
    assert not checkpoints.path(ONE, 3).exists()
    assert state(checkpoints.path(ONE, 6)) == "succeeds"


def test_what_a_killed_worker_was_saving_goes_with_the_commit_of_its_own_trial_only(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    mine, others = (tmp_path / f"{trial}@3.4711.tmp" for trial in (ONE, f"{ONE}0"))
    mine.write_text("half"), others.write_text("half")
    train(checkpoints, job(0, 3), "after 3")
    checkpoints.committed(job(0, 3), 7)
    assert not mine.exists() and others.exists()
    assert state(checkpoints.path(ONE, 3)) == "after 3"


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("fault", ["flipped", "cut", "gone", "other kind"])
def test_a_state_that_is_not_what_was_left_is_kept_from_the_trainer(tmp_path: Path, fault: str, folder: bool) -> None:
    checkpoints = Checkpoints(tmp_path)
    left = train(checkpoints, job(0, 3), "after 3", folder)
    path = checkpoints.path(ONE, 3)
    file = path / "weights" if folder else path
    if fault == "flipped":
        file.write_text("after 2")
    elif fault == "cut":
        file.write_text("after")
    else:
        file.unlink()
    if fault == "other kind" and not folder:
        save(path, "after 3", folder=True)
    states = checkpoints.states(job(3, 6), left.digest)
    assert not states.prepare()
    assert not states.after.exists()


def test_a_state_that_cannot_be_read_is_kept_from_the_trainer(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    left = train(checkpoints, job(0, 3), "after 3", folder=True)
    (checkpoints.path(ONE, 3) / "link").symlink_to("/nowhere/at/all")
    states = checkpoints.states(job(3, 6), left.digest)
    assert not states.prepare()
    assert not states.after.exists()


def test_names_and_contents_make_the_digest_of_a_folder(tmp_path: Path) -> None:
    for name, files in {"a": {"x": "1", "y": "2"}, "b": {"x": "2", "y": "1"}, "c": {"x": "12"}}.items():
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text)
    found = [measured(tmp_path / name) for name in "abc"]
    assert len({left.digest for left in found}) == 3
    assert {left.size for left in found} == {2}
    assert measured(tmp_path / "nothing") == Left("", 0)


@pytest.mark.parametrize("folder", [False, True])
def test_a_new_job_finds_nothing_of_an_attempt_that_was_killed(tmp_path: Path, folder: bool) -> None:
    train(Checkpoints(tmp_path), job(0, 3), "half", folder)
    states = Checkpoints(tmp_path).states(job(0, 3), "")
    assert states.prepare()
    assert not states.after.exists()


def test_dropping_a_trial_deletes_all_its_states_and_no_others(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    others = ("g0.b0.10", "g0.b0.11", "g10.b0.1")
    for trial in (ONE, *others):
        for epochs in (3, 6):
            train(checkpoints, job(0, epochs, trial), trial, folder=epochs == 6)
    checkpoints.drop(ONE)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"{trial}@{epochs}" for trial in others for epochs in (3, 6)}


def test_what_a_killed_worker_kept_of_its_job_goes_with_the_result(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    states = checkpoints.states(job(0, 3), "")
    states.prepare()
    unfinished(states.after).write_text("after 2 of 3")
    assert states.prepare() and unfinished(states.after).exists()  # the next attempt finds it
    checkpoints.committed(job(0, 3), 0)
    assert list(tmp_path.iterdir()) == []


def test_the_sweep_deletes_what_belongs_to_trials_that_are_gone(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for trial in ("g0.b0.1", "g0.b0.2"):
        train(checkpoints, job(0, 3, trial), trial)
    checkpoints.sweep({"g0.b0.2"})
    assert [path.name for path in tmp_path.iterdir()] == ["g0.b0.1@3"]
    checkpoints.sweep(None)
    assert list(tmp_path.iterdir()) == []


def test_the_peak_counts_every_byte_there_was_at_a_time(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    digests = {}
    for trial in ("g0.b0.1", "g0.b0.2"):
        left = train(checkpoints, job(0, 3, trial), "x" * 100)
        digests[trial] = left.digest
        checkpoints.committed(job(0, 3, trial), left.size)
    assert checkpoints.peak == 200
    left = train(checkpoints, job(3, 6), "x" * 130, expected=digests[ONE])
    assert checkpoints.peak == 300  # the copy
    checkpoints.committed(job(3, 6), left.size)
    assert checkpoints.peak == 330
    checkpoints.drop(ONE)
    checkpoints.drop("g0.b0.2")
    left = train(checkpoints, job(0, 3, "g1.b0.0"), "x" * 150)
    checkpoints.committed(job(0, 3, "g1.b0.0"), left.size)
    assert checkpoints.peak == 330
    assert Checkpoints(tmp_path).peak == 150  # a resumed run begins with what is there


def test_a_temporary_folder_goes_at_close() -> None:
    checkpoints = Checkpoints(None)
    train(checkpoints, job(0, 3), "state", folder=True)
    assert checkpoints.root.is_dir()
    checkpoints.close()
    assert not checkpoints.root.exists()


def test_the_folder_of_a_run_goes_at_close_only_when_it_is_empty(tmp_path: Path) -> None:
    root = tmp_path / "checkpoints"
    checkpoints = Checkpoints(root)
    train(checkpoints, job(0, 3), "state")
    checkpoints.close()
    assert [path.read_text() for path in root.iterdir()] == ["state"]
    checkpoints.drop(ONE)
    checkpoints.close()
    assert not root.exists()

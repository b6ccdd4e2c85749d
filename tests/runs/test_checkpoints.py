"""A job finds the state it goes on from, which stays whole until the job's result is committed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nas.core.errors import Corrupt
from nas.core.types import Config, Job, Trial
from nas.runs.checkpoints import Checkpoints, Left, kept, measured, unfinished

ONE = "g0.b0.1"


def job(start: int, stop: int, trial: str = ONE) -> Job:
    return Job(Trial(trial, Config(()), 0), start, stop)


def train(checkpoints: Checkpoints, job: Job, text: str, folder: bool = False, expected: str = "") -> Left:
    """Do as a worker does: take over the state before, leave another."""
    states = checkpoints.states(job, expected)
    assert states.prepare()
    save(states.checkpoint, text, folder)
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
        assert state(states.checkpoint) == "after 3", attempt
        save(states.checkpoint, attempt, folder)
        assert state(states.before / "state") == "after 3"

    checkpoints.committed(job(3, 6), 8)
    assert not checkpoints.folder(ONE, 3).exists()
    assert state(checkpoints.folder(ONE, 6) / "state") == "succeeds"


NAMES: dict[str, Callable[[Path], Path]] = {
    "the path": lambda path: path,
    "with_suffix": lambda path: path.with_suffix(".json"),
    "appended": lambda path: Path(f"{path}.index"),
    "appended without a dot": lambda path: Path(f"{path}-00000-of-00001"),
    "a folder": lambda path: path / "deep" / "weights.pt",
    "with_name": lambda path: path.with_name("model.pt"),
    "a folder beside": lambda path: path.parent / "optimizer.zarr" / "0",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_whatever_name_a_trainer_makes_of_its_path_is_its_trials_own(
    tmp_path: Path, name: Callable[[Path], Path]
) -> None:
    checkpoints, trials = Checkpoints(tmp_path), ("g0.b0.0", "g0.b0.1", "g0.b0.0.r1", "g0.b1.0")
    left = {}
    for trial in trials:
        states = checkpoints.states(job(0, 2, trial), "")
        assert states.prepare()
        name(states.checkpoint).parent.mkdir(parents=True, exist_ok=True)
        name(states.checkpoint).write_text(f"{trial} after 2")
        left[trial] = states.settle()
        checkpoints.committed(job(0, 2, trial), left[trial].size)
    assert checkpoints.peak == sum(len(f"{trial} after 2") for trial in trials)
    assert len({each.digest for each in left.values()}) == len(trials)
    for trial in trials:
        states = checkpoints.states(job(2, 4, trial), left[trial].digest)
        assert states.prepare()
        assert name(states.checkpoint).read_text() == f"{trial} after 2"
        checkpoints.drop(trial)
    checkpoints.close()
    assert not tmp_path.exists()


@pytest.mark.parametrize("folder", [False, True])
def test_a_state_of_a_run_of_before_is_continued_from_and_goes(tmp_path: Path, folder: bool) -> None:
    save(tmp_path / f"{ONE}@3", "after 3", folder)
    left, checkpoints = measured(tmp_path / f"{ONE}@3"), Checkpoints(tmp_path)
    assert [(ONE, 3, tmp_path / f"{ONE}@3")] == list(kept(tmp_path))
    states = checkpoints.states(job(3, 6), left.digest)
    assert states.prepare()
    assert state(states.checkpoint) == "after 3"
    assert not checkpoints.states(job(3, 6), "another").prepare()
    checkpoints.committed(job(3, 6), 0)
    assert not (tmp_path / f"{ONE}@3").exists()


@pytest.mark.parametrize("name", ["g0.b0.json", "g0.b0.1@3.index", "g0.b0.1@3-part"])
def test_a_run_of_before_whose_trainer_chose_the_name_begins_that_trial_again(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("of some trial")
    checkpoints = Checkpoints(tmp_path)
    states = checkpoints.states(job(3, 6), "")
    assert not states.prepare()
    assert not list(states.after.iterdir())
    assert checkpoints.states(job(0, 3), "").prepare()
    checkpoints.sweep(None)
    checkpoints.close()
    assert not tmp_path.exists()


def test_a_trial_behind_a_link_is_refused_and_nothing_there_is_touched(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "checkpoints"
    (outside / "3").mkdir(parents=True)
    (outside / "3" / "mine").touch()
    checkpoints = Checkpoints(root)
    root.mkdir()
    (root / ONE).symlink_to(outside)
    with pytest.raises(Corrupt, match="is a link"):
        checkpoints.states(job(0, 3), "")
    assert list(kept(root)) == []
    Checkpoints(root).drop(ONE)
    Checkpoints(root).sweep(None)
    assert not (root / ONE).is_symlink() and (outside / "3" / "mine").exists()


def test_what_others_put_beside_the_states_stays(tmp_path: Path) -> None:
    root = tmp_path / "checkpoints"
    train(Checkpoints(root), job(0, 3), "after 3")
    (root / "mine.pt").touch()
    checkpoints = Checkpoints(root)
    checkpoints.sweep(None)
    checkpoints.close()
    assert [path.name for path in root.iterdir()] == ["mine.pt"]


def test_what_a_killed_worker_was_saving_is_not_in_the_state(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    half = checkpoints.folder(ONE, 3) / "state.4711.tmp"
    half.parent.mkdir(parents=True)
    half.write_text("half")
    left = train(checkpoints, job(0, 3), "after 3")
    assert not half.exists() and left.size == len("after 3")


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("fault", ["flipped", "cut", "gone", "other kind"])
def test_a_state_that_is_not_what_was_left_is_kept_from_the_trainer(tmp_path: Path, fault: str, folder: bool) -> None:
    checkpoints = Checkpoints(tmp_path)
    left = train(checkpoints, job(0, 3), "after 3", folder)
    path = checkpoints.folder(ONE, 3) / "state"
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
    assert not list(states.after.iterdir())


def test_a_state_that_cannot_be_read_is_kept_from_the_trainer(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    left = train(checkpoints, job(0, 3), "after 3", folder=True)
    (checkpoints.folder(ONE, 3) / "link").symlink_to("/nowhere/at/all")
    states = checkpoints.states(job(3, 6), left.digest)
    assert not states.prepare()
    assert not list(states.after.iterdir())


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
    assert not list(states.after.iterdir())


def test_dropping_a_trial_deletes_all_its_states_and_no_others(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    others = ("g0.b0.10", "g0.b0.11", "g10.b0.1")
    for trial in (ONE, *others):
        for epochs in (3, 6):
            train(checkpoints, job(0, epochs, trial), trial, folder=epochs == 6)
    checkpoints.drop(ONE)
    left = {(path.parent.name, path.name) for path in tmp_path.glob("*/*")}
    assert left == {(trial, epochs) for trial in others for epochs in ("3", "6")}
    assert not (tmp_path / ONE).exists()


def test_what_a_killed_worker_kept_of_its_job_goes_with_the_result(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    states = checkpoints.states(job(0, 3), "")
    states.prepare()
    part = unfinished(states.checkpoint)
    part.parent.mkdir()
    part.write_text("after 2 of 3")
    assert states.prepare() and part.exists()  # the next attempt finds it
    states.settle()
    checkpoints.committed(job(0, 3), 0)
    assert list(tmp_path.rglob("*")) == [tmp_path / ONE]


def test_the_sweep_deletes_what_belongs_to_trials_that_are_gone(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for trial in ("g0.b0.1", "g0.b0.2"):
        train(checkpoints, job(0, 3, trial), trial)
    checkpoints.sweep({"g0.b0.2"})
    assert [path.name for path in tmp_path.iterdir()] == ["g0.b0.1"]
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
    assert [path.read_text() for path in root.rglob("state")] == ["state"]
    checkpoints.drop(ONE)
    checkpoints.close()
    assert not root.exists()

"""Does a reproduction give what its tuning learned, and the full trainings that no test part has judged?"""

from pathlib import Path

import pytest
from ConfigSpace import ConfigurationSpace, Float
from PIL import Image

import nas
from nas.core.described import described, digest
from nas.core.errors import UserError
from nas.data import load
from nas.history.history import History
from nas.history.sources.found import Found
from nas.history.sources.source import Told, found
from nas.runs.reproduced import TUNING, Full, Phase1, Point, Reproduction
from nas.runs.saved import Saved

CONFIG, SIZE = {"learning_rate": 0.01}, 8
SPACE = "model/examples/resnet20.py"


def space() -> ConfigurationSpace:
    space = ConfigurationSpace(seed=0)
    space.add(Float("learning_rate", (1e-4, 0.1), log=True))
    return space


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Images with train/ and val/."""
    for part, count in (("train", 4), ("val", 2)):
        for label, name in enumerate("ab"):
            (tmp_path / "pets" / part / name).mkdir(parents=True)
            for number in range(count):
                colour = (90 * label, 7 * number, 99)
                Image.new("RGB", (SIZE, SIZE), colour).save(tmp_path / "pets" / part / name / f"{number}.png")
    return str(tmp_path / "pets")


def begun(directory: Path, data: str) -> Path:
    """Return the folder of a reproduction that has not begun."""
    directory.mkdir()
    phase1 = Phase1("given", 0, (), ())
    Reproduction("resnet20", SPACE, data, SIZE, 0.7, "accuracy", (0, 1, 2), 60, phase1).save(directory)
    return directory


def digest_of(data: str) -> str:
    return load(data, "train", SIZE, official=True).digest


def tune(directory: Path, data: str) -> None:
    details = {"data": data, "image_size": SIZE, "data_digest": digest_of(data), "space": SPACE}
    nas.search(
        space(), lambda config, *, epochs, **job: {"accuracy": 1 - config["learning_rate"] / epochs},
        strategy="random", scheduler="asha", max_epochs=9, min_epochs=1, eta=3, max_trials=6, workers=0,
        run_dir=directory / TUNING, details=details, verbose=False,
    )  # fmt: skip


def train(directory: Path, data: str) -> None:
    """Leave a training that is over, one that goes on, and one that has not begun."""
    for seed, done in ((0, 60), (1, 2)):
        points = [Point(n, 3.0 * n, 0.1, 0.01, {"loss": 1 / n, "accuracy": 1 - 1 / (n + seed + 1)}) for n in (1, 2)]
        Full(seed, 60, done, "epochs" if seed == 0 else "", 2, 6.0, 100, tuple(points)).write(directory)
    known = digest(described(space()))
    evidence = {"judged": "official", "data_digest": digest_of(data)}
    Saved(CONFIG, SPACE, known, data, SIZE, 60, 0, evidence=evidence).write(directory / "best.json")


def given(directory: Path, task: str | None = None) -> list[Found]:
    return found(str(directory), Told(task=task))


def test_tuning_and_full_trainings_are_of_one_task_and_space(tmp_path: Path, folder: str) -> None:
    run = begun(tmp_path / "run", folder)
    tune(run, folder)
    train(run, folder)
    tuned, trained = given(run)
    assert tuned.tasks == trained.tasks and tuned.tasks[0].images == 8 and not tuned.notes + trained.notes
    assert (tuned.digest, tuned.space) == (trained.digest, trained.space)
    assert len(tuned.curves) == 6 and [curve.seed for curve in trained.curves] == [0, 1]
    first, second = trained.curves
    assert first.config.values == CONFIG and first.full_epochs == 60 and first.seconds == {1: 3.0, 2: 6.0}
    assert first.points == {1: {"loss": 1.0, "accuracy": 0.5}, 2: {"loss": 0.5, "accuracy": 1 - 1 / 3}}
    assert second.points[2]["accuracy"] == 0.75
    assert first.setting != tuned.curves[0].setting  # judged by other images


def test_a_history_takes_it_and_knows_it_the_second_time(tmp_path: Path, folder: str) -> None:
    run = begun(tmp_path / "run", folder)
    tune(run, folder)
    train(run, folder)
    with History(tmp_path / "history", create=True) as history:
        assert [each.add_to(history).new for each in given(run)] == [6, 2]
        assert [each.add_to(history).known for each in given(run)] == [6, 2]
        assert [*history.tasks(digest(described(space())))] == [f"pets@{SIZE}"]


def test_what_test_images_have_judged_is_left_out_and_told(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", "digits-m")
    tune(run, "digits-m")
    train(run, "digits-m")
    tuned, trained = given(run)
    assert len(tuned.curves) == 6 and not trained.curves
    assert any("full trainings are left out" in note for note in trained.notes)


def test_a_phase_alone_gives_what_it_has(tmp_path: Path, folder: str) -> None:
    run, other = begun(tmp_path / "run", folder), begun(tmp_path / "other", folder)
    with pytest.raises(UserError, match="neither tuned nor trained"):
        given(run)
    tune(run, folder)
    (tuned,) = given(run, "mine")
    assert [task.name for task in tuned.tasks] == ["mine"] and len(tuned.curves) == 6
    train(other, folder)
    assert [len(each.curves) for each in given(other)] == [2]

"""Does a reproduction give what its tuning learned, and the full trainings of what that has found?"""

from pathlib import Path
from typing import Any

import pytest
from ConfigSpace import ConfigurationSpace, Float

import nas
from nas.core.described import described, digest
from nas.core.errors import UserError
from nas.data import load
from nas.history.history import History
from nas.history.sources.found import Found
from nas.history.sources.source import Told, found
from nas.reproduction.files import TUNING, Full, Phase1, Point, Reproduction
from nas.runs.saved import Saved

CONFIG, SIZE = {"learning_rate": 0.01}, 8
ASKED = Reproduction(
    "resnet20", "model/examples/resnet20.py", "digits-m", SIZE, 0.7, "accuracy", (0, 1, 2), 60,
    Phase1("given", 0, (), ()),
)  # fmt: skip


def space() -> ConfigurationSpace:
    space = ConfigurationSpace(seed=0)
    space.add(Float("learning_rate", (1e-4, 0.1), log=True))
    return space


def data_digest() -> str:
    return load("digits-m", "train", SIZE, official=True).digest


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """The folder of a reproduction that has not begun."""
    ASKED.save(tmp_path)
    return tmp_path


def tune(directory: Path) -> None:
    details = {"data": "digits-m", "image_size": SIZE, "data_digest": data_digest(), "space": ASKED.space}
    nas.search(
        space(), lambda config, *, epochs, **job: {"accuracy": 1 - config["learning_rate"] / epochs},
        strategy="random", scheduler="asha", max_epochs=9, min_epochs=1, eta=3, max_trials=6, workers=0,
        run_dir=directory / TUNING, details=details, verbose=False,
    )  # fmt: skip


def train(directory: Path, **evidence: Any) -> None:
    """Leave a training that is over, one that goes on, and one that has not begun."""
    for seed, done in ((0, 60), (1, 2)):
        points = [Point(n, 3.0 * n, 0.1, 0.01, {"loss": 1 / n, "accuracy": 1 - 1 / (n + seed + 1)}) for n in (1, 2)]
        Full(seed, 60, done, "epochs" if seed == 0 else "", 2, 6.0, 100, tuple(points)).write(directory)
    known = digest(described(space()))
    Saved(CONFIG, ASKED.space, known, "digits-m", SIZE, 60, 0, evidence=evidence).write(directory / "best.json")


def given(directory: Path, task: str | None = None) -> list[Found]:
    return found(str(directory), Told(task=task))


def test_tuning_and_full_trainings_are_of_one_task_and_space(asked: Path) -> None:
    tune(asked)
    train(asked, data_digest=data_digest(), judged="official")
    tuned, trained = given(asked)
    assert tuned.tasks == trained.tasks and tuned.tasks[0].images == len(load("digits-m"))
    assert (tuned.digest, tuned.space) == (trained.digest, trained.space)
    assert len(tuned.curves) == 6 and [curve.seed for curve in trained.curves] == [0, 1]
    first, second = trained.curves
    assert first.config.values == CONFIG and first.full_epochs == 60 and first.seconds == {1: 3.0, 2: 6.0}
    assert first.points == {1: {"loss": 1.0, "accuracy": 0.5}, 2: {"loss": 0.5, "accuracy": 2 / 3}}
    assert second.points[2]["accuracy"] == 0.75
    assert first.setting != tuned.curves[0].setting  # judged by other images


def test_a_history_takes_it_and_knows_it_the_second_time(asked: Path, tmp_path: Path) -> None:
    tune(asked)
    train(asked)
    with History(tmp_path / "history", create=True) as history:
        assert [each.add_to(history).new for each in given(asked)] == [6, 2]
        assert [each.add_to(history).known for each in given(asked)] == [6, 2]
        assert [*history.tasks(digest(described(space())))] == [f"digits-m@{SIZE}"]


def test_a_phase_alone_gives_what_it_has(asked: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither tuned nor trained"):
        given(asked)
    tune(asked)
    (tuned,) = given(asked, "mine")
    assert [task.name for task in tuned.tasks] == ["mine"] and len(tuned.curves) == 6
    other = tmp_path / "other"
    other.mkdir()
    ASKED.save(other)
    train(other)
    assert [len(each.curves) for each in given(other)] == [2]

"""A training that learns or tries hyperparameters tells how they went, whole after any stop; others tell nothing."""

import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nas.main import main
from nas.runs.stored import open_run
from nas.training import state, trajectory
from nas.training.trajectory import POINTS, TRIED, Columns, add_point, summary, trajectory_of, well_formed
from tests.training import learning
from tests.training.tiny import EPOCHS, digest, run, tiny

LEARNS: dict[str, Any] = {"optimizer": "rising-for-a-test", "policy": "constant", "learning_rate": 0.01}
TRIES: dict[str, Any] = {"optimizer": "sgd", "policy": "trying-for-a-test"}
BOTH: dict[str, Any] = {**LEARNS, "policy": "trying-for-a-test"}
END = EPOCHS * 3


@pytest.mark.parametrize("recipe", [{}, {"optimizer": "sgd", "policy": "cosine"}])
def test_an_ordinary_training_has_none_and_its_state_knows_of_none(recipe: dict[str, Any]) -> None:
    training = run(tiny(recipe), END)
    assert training.trajectory() == {}
    assert "points" not in training.state_dict()


def test_what_is_learned_is_told_as_it_stands_at_the_end_of_each_epoch() -> None:
    told = run(tiny(LEARNS), END).trajectory()
    assert told == {
        "steps": [3, 6, 9, 12],
        "rate": pytest.approx([0.01 * 1.1**step for step in (3, 6, 9, 12)], rel=1e-5),
        "momentum": [0.53, 0.56, 0.59, 0.62],
    }


def test_a_learned_rate_is_what_the_optimizer_says_whatever_the_policy_gives() -> None:
    told = run(tiny({**LEARNS, "policy": {"name": "exponential", "gamma": 0.5}}), END).trajectory()
    assert told["rate"] == pytest.approx([0.01 * 1.1 ** (3 * e) for e in (1, 2, 3, 4)], rel=1e-5)


def test_what_is_tried_is_told_beside_the_rate_in_force() -> None:
    told = run(tiny(TRIES), END).trajectory()
    assert told["rate"] == [0.01, 0.03, 0.03, 0.03] and "momentum" not in told
    assert [each["rate"] for each in told["tried"]] == [0.3, 0.01, 0.03]
    assert summary(told) == "rate 0.03 after 12 steps; 3 rates tried, 1 given up, 0.03 chosen at step 6"


@pytest.mark.parametrize("stop", [2, 3, 4, 6, 10])
def test_a_training_that_was_stopped_has_all_of_it(stop: int, tmp_path: Path) -> None:
    whole, half = run(tiny(BOTH), END), run(tiny(BOTH), stop)
    state.save(tmp_path / "kept", half.state_dict(), "owner")
    again, saved = tiny(BOTH), state.load(tmp_path / "kept", "owner")
    assert saved
    again.load_state_dict(saved)
    assert run(again, END).trajectory() == whole.trajectory()
    assert digest(again) == digest(whole)


def test_a_branch_has_its_own_from_where_it_began() -> None:
    training = run(tiny(LEARNS), 4)
    branch = run(training.branch(), 9)
    assert training.trajectory()["steps"] == [3] and branch.trajectory()["steps"] == [3, 6, 9]
    training.adopt(branch)
    assert training.trajectory()["steps"] == [3, 6, 9]


@pytest.mark.parametrize("epochs", [199, 200, 201, 1000, 1234])
def test_of_a_long_training_points_are_kept_evenly_and_the_last(epochs: int) -> None:
    begun, points = tiny(LEARNS), Columns()
    seen = SimpleNamespace(optimizer=begun.optimizer, policy=begun.policy, steps_per_epoch=3, epochs=epochs, position=0)
    for epoch in range(1, epochs + 1):
        seen.position = 3 * epoch
        add_point(seen, points)
    steps = trajectory_of(seen, points)["steps"]
    gaps = {after - before for before, after in pairwise(steps)}
    assert len(steps) == min(epochs, POINTS) and steps[-1] == 3 * epochs and max(gaps) - min(gaps) <= 3


def trial(step: int, rate: float, forecast: float | None = 1.0, chosen: bool = False) -> dict[str, Any]:
    return {"step": step, "rate": rate, "steps": 5, "forecast": forecast, "chosen": chosen}


def test_of_many_tried_rates_whole_stages_are_kept_and_the_last() -> None:
    tried = [trial(100 * stage + 5 * i, 0.1, chosen=i == 1) for stage in range(150) for i in range(4)]
    training = SimpleNamespace(policy=SimpleNamespace(tried=lambda: tried), optimizer=object())
    kept = trajectory_of(training, {})["tried"]  # type: ignore[arg-type]
    assert 200 < len(kept) <= TRIED and kept[-4:] == tried[-4:]
    assert {len(stage) for stage in trajectory.stages(kept)} == {4}


def test_what_is_not_finite_is_none() -> None:
    broken = SimpleNamespace(policy=object(), optimizer=learning.Rising([run(tiny({}), 1).model[0].weight], 0.1))
    told = trajectory_of(broken, {"steps": [3], "rate": [float("inf")], "momentum": [float("nan")]})  # type: ignore[arg-type]
    assert told == {"steps": [3], "rate": [None], "momentum": [None]}
    assert summary(told) == "rate no number, momentum no number after 3 steps"


def test_of_several_stages_the_last_is_told() -> None:
    tried = [trial(0, 1.0, None), trial(5, 0.1, chosen=True), trial(40, 0.3), trial(45, 0.02, chosen=True)]
    told = {"steps": [60], "rate": [0.02], "tried": tried}
    assert summary(told) == "rate 0.02 after 60 steps; 2 rates tried in the last stage, 0.02 chosen at step 50"
    told["tried"] = [trial(0, 1.0, None)]
    assert summary(told) == "rate 0.02 after 60 steps; 1 rate tried, 1 given up, none chosen"


@pytest.mark.parametrize(
    "foreign",
    [
        None, "text", [1], [{}], [{"steps": [1], "rate": []}], [{"steps": [1], "rate": ["fast"]}],
        [{"steps": [None], "rate": [0.1]}], [{"steps": [1], "rate": [0.1], "tried": [{}]}],
        [{"steps": [1], "rate": [0.1], "tried": 3}], [{"steps": [1], "rate": [0.1], "note": "mine"}],
    ],
)  # fmt: skip
def test_what_somebody_else_keeps_under_that_name_is_none(foreign: Any) -> None:
    assert well_formed(foreign) == []
    assert well_formed([{"steps": [1], "rate": [None], "tried": [trial(0, 0.1)]}])


SPACE = """
from ConfigSpace import ConfigurationSpace
from torch import nn

DEFAULT = {"width": 4}
RECIPE = {"learning_rate": 0.01, "batch_size": 250, "optimizer": "rising-for-a-test",
          "policy": "trying-for-a-test"}


def space():
    return ConfigurationSpace({"width": (2, 8)})


def build(config, shape, classes):
    size = shape[0] * shape[1] * shape[2]
    return nn.Sequential(nn.Flatten(), nn.Linear(size, config["width"]), nn.ReLU(), nn.Linear(config["width"], classes))
"""

SEARCH = (
    "--data", "digits", "--epochs", "4", "--min-epochs", "2", "--eta", "2", "--folds", "2", "--max-trials", "2",
    "--workers", "0", "--name", "run", "--quiet",
)  # fmt: skip


def test_a_search_keeps_them_from_rung_to_rung_and_tells_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space, folder = tmp_path / "space.py", tmp_path / "run"
    space.write_text(SPACE)
    assert main([*SEARCH, "--space", str(space), "--run-dir", str(tmp_path)]) == 0
    found = open_run(folder)
    for result in found.history:
        told = well_formed(result.details["trajectories"])
        assert [len(fold["steps"]) for fold in told] == [result.epochs] * 2
        assert all([each["rate"] for each in fold["tried"]] == [*learning.RATES] for fold in told)
    tested = json.loads((folder / "best.json").read_text())["evidence"]["trajectories"]
    assert len(tested) == 1 and tested[0]["steps"] == [6, 12, 18, 24]
    page = (folder / "report.html").read_text()
    assert "<h2>The learning rate</h2>" in page and "3 rates tried, 1 given up, 0.03 chosen at step 6" in page
    assert main(["verify", str(folder)]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(folder / "best.json"), "--quiet"]) == 0
    told = summary(tested[0])
    assert "momentum" in told and told in capsys.readouterr().out
    assert json.loads((folder / "best.evaluation.json").read_text())["trajectories"] == tested
    assert main(["evaluate", str(folder / "best.json"), "--quiet", "--cv"]) == 0
    assert "of the first of 2 folds, rate" in capsys.readouterr().out
    assert len(json.loads((folder / "best.cross_validation.json").read_text())["trajectories"]) == 2

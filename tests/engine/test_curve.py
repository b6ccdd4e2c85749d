"""A trainer may say how its validation went, epoch by epoch: the curve is checked, kept, and part of the history."""

import json
from pathlib import Path
from typing import Any

import pytest

import nas
from nas.report.verify import faults_of
from nas.runs.stored import open_run
from tests.fakes import climb, hill, hills

SMALL: dict[str, Any] = {"max_trials": 6, "max_epochs": 9, "min_epochs": 1, "eta": 3, "verbose": False}


def curved(config: dict[str, Any], *, epochs: int, start: int, **job: Any) -> dict[str, Any]:
    """Climb, and say what each epoch since `start` came to: the first epoch has no accuracy."""
    metrics = climb(config, epochs=epochs, start=start, **job)
    points = [{"epoch": epoch, **hill(config, epoch)} for epoch in range(start + 1, epochs + 1)]
    return {
        **metrics,
        "curve": [{**point, "accuracy": float("nan")} if point["epoch"] == 1 else point for point in points],
    }


def history(folder: Path) -> bytes:
    return (folder / "history.jsonl").read_bytes()


def test_every_rung_adds_its_part_of_the_curve_and_the_run_reads_it_back(tmp_path: Path) -> None:
    run = nas.search(hills(), curved, run_dir=tmp_path, **SMALL)
    for result in run.trials:
        assert list(result.curve) == list(range(result.job.start + 1, result.epochs + 1))
        assert all(result.curve[epoch] == hill(result.config, epoch) for epoch in result.curve if epoch > 1)
        assert "curve" not in result.metrics and "curve" not in result.details
    assert str([result.curve for result in open_run(tmp_path).history]) == str([result.curve for result in run.trials])
    assert list(faults_of(tmp_path)) == []
    assert nas.search(hills(), curved, run_dir=tmp_path, **SMALL).best == run.best  # of the last rung: without nan


def test_a_training_that_begins_anew_has_the_curve_of_one_that_goes_on(tmp_path: Path) -> None:
    nas.search(hills(), curved, run_dir=tmp_path / "whole", **SMALL)
    seen = list[nas.Result]()

    def lose(result: nas.Result) -> bool:
        seen.append(result)
        for state in (tmp_path / "part/checkpoints").rglob("state"):
            state.write_text("of nobody")
        return False

    nas.search(hills(), curved, run_dir=tmp_path / "part", callbacks=[lose], **SMALL)
    again = [json.loads(line[9:]) for line in (tmp_path / "part/journal.jsonl").read_text().splitlines()]
    assert history(tmp_path / "part") == history(tmp_path / "whole") and len(again) == len(seen)


def test_without_a_curve_nothing_is_written_of_one(tmp_path: Path) -> None:
    run = nas.search(hills(), climb, run_dir=tmp_path, **SMALL)
    assert b"curve" not in (tmp_path / "journal.jsonl").read_bytes() + history(tmp_path)
    assert {len(result.curve) for result in run.trials} == {0}


WRONG: dict[str, Any] = {
    "a float, but it is for a learning curve such as": 0.5,
    "a str, but it is for": "0.5, 0.6",
    "a list, but it is for": [0.5, 0.6],
    "a dict, but it is for": {"accuracy": [0.5]},
    "epoch 1 after 1: epochs are whole numbers from 1 on, and rise": [{"epoch": 1, "a": 1}, {"epoch": 1, "a": 2}],
    "epoch 0 after 0": [{"epoch": 0}],
    "epoch 0.5 after 0": [{"epoch": 0.5}],
    "'a' is inf at epoch 1: give finite numbers, or nan": [{"epoch": 1, "a": float("inf")}],
    "'curve: a' as a str, not a number": [{"epoch": 1, "a": "much"}],
    "a curve up to epoch 2, but was to train to 1": [{"epoch": 1, "a": 1}, {"epoch": 2, "a": 1}],
}


@pytest.mark.parametrize("told", WRONG)
def test_what_is_no_curve_fails_its_trial_in_a_line(told: str) -> None:
    def train(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        return {"accuracy": 1.0, "curve": WRONG[told]}

    run = nas.search(hills(), train, max_trials=2, max_epochs=1, min_epochs=1, verbose=False)
    assert {result.status for result in run.trials} == {nas.Status.CRASHED}
    assert all(told in result.error and "\n" not in result.error for result in run.trials)

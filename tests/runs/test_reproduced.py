"""What was asked and how trainings went is read as it was written; anything else is told in one line."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nas.core.errors import UserError
from nas.runs.reproduced import Full, Phase1, Point, Reproduction, path_of

ASKED = Reproduction(
    "resnet18", "resnet18", "digits", 14, 0.69758, "accuracy", (0, 1), 200,
    Phase1("fixed", 100, ("adamp", "sgd"), (0.001,)), ("reproduce", "--model", "resnet18"), {"seed": 0},
)  # fmt: skip
CURVE = tuple(Point(epoch, 2.5 * epoch, 1 / epoch, 0.1, {"loss": 2.0, "accuracy": epoch / 4}) for epoch in (1, 2))
FULL = Full(1, 3, 2, "", 2, 5.25, 1000, CURVE)


def test_what_was_asked_is_read_as_it_was_written(tmp_path: Path) -> None:
    ASKED.save(tmp_path)
    assert Reproduction.read(tmp_path) == ASKED


def test_a_training_is_read_as_it_was_written_and_is_none_before_it_began(tmp_path: Path) -> None:
    FULL.write(tmp_path)
    found = Full.read(tmp_path, 1)
    assert found == FULL and found.at_best == CURVE[1] and Full.read(tmp_path, 0) is None
    content = json.loads(path_of(tmp_path, 1).read_text())
    assert content["curve"][0] == {
        "epoch": 1, "seconds": 2.5, "train_loss": 1.0, "rate": 0.1, "loss": 2.0, "accuracy": 0.25
    }  # fmt: skip


def test_a_loss_that_is_no_number_stays_one(tmp_path: Path) -> None:
    replace(FULL, curve=(replace(CURVE[0], train_loss=math.nan), CURVE[1])).write(tmp_path)
    found = Full.read(tmp_path, 1)
    assert found and math.isnan(found.curve[0].train_loss)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("format", "nas-reproduction-9", "lacks"), ("target", "high", "target is 'high'"), ("seeds", [0.5], "a seed"),
        ("phase1", {}, "'rates' is missing"), ("words", "resnet18", "no list"), ("model", 18, "must be a text"),
        ("phase1", {"rule": "luck", "steps": 1, "optimizers": [], "rates": []}, "one of fixed"),
    ],
)  # fmt: skip
def test_anything_else_is_told_in_one_line(tmp_path: Path, name: str, value: Any, told: str) -> None:
    ASKED.save(tmp_path)
    file = tmp_path / "reproduction.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), name: value}))
    with pytest.raises(UserError, match=told) as caught:
        Reproduction.read(tmp_path)
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("best", 3, "does not have"), ("curve", [{"epoch": 1}], "'seconds' is missing"), ("curve", 7, "not iterable"),
        ("ended", "bad", "one of"), ("done", None, "whole number"), ("curve", ["x"], "a reproduction writes"),
    ],
)  # fmt: skip
def test_a_training_that_is_none_is_told_in_one_line(tmp_path: Path, name: str, value: Any, told: str) -> None:
    FULL.write(tmp_path)
    file = path_of(tmp_path, 1)
    file.write_text(json.dumps({**json.loads(file.read_text()), name: value}))
    with pytest.raises(UserError, match=told) as caught:
        Full.read(tmp_path, 1)
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)

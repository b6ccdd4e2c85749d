"""A configuration is checked against its space in one place, and its values keep their types, even in the journal."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    ForbiddenEqualsClause,
    Integer,
    OrdinalHyperparameter,
)

import nas
from nas.core.configuration import checked_config
from tests.faults.runs import history

MIXED = [0.8, "sqrt", None, float("inf"), np.int64(4)]
RIGHT = {"kernel": (5, 5), "share": float("inf"), "deep": True, "pad": (1, 2), "width": 3, "rate": 1.0}


def motley() -> ConfigurationSpace:
    """Return a space of choices of many types; the rate is active with the larger kernel, width 9 is forbidden."""
    space = ConfigurationSpace()
    space.add(
        Categorical("kernel", [(3, 3), (5, 5)]), Categorical("share", MIXED), OrdinalHyperparameter("deep", [True, 2]),
        Constant("pad", (1, 2)), Integer("width", (1, 10)), Float("rate", (1e-3, 1.0)),
    )  # fmt: skip
    space.add(EqualsCondition(space["rate"], space["kernel"], (5, 5)))
    space.add(ForbiddenEqualsClause(space["width"], 9))
    return space


@pytest.mark.parametrize(
    ("name", "value"),
    [("kernel", [5, 5]), ("share", "inf"), ("pad", [1, 2]), ("width", 3.0), ("width", np.int64(3)), ("rate", 1)],
)
def test_values_become_those_of_the_space(name: str, value: object) -> None:
    values = checked_config(motley(), {**RIGHT, name: value}, "default").values
    assert values == RIGHT
    assert {key: type(each) for key, each in values.items()} == {key: type(each) for key, each in RIGHT.items()}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"widht": 3}, "no hyperparameter widht, did you mean width?"),
        ({"width": 11}, "width is 11, but must be a whole number between 1 and 10"),
        ({"width": 3.5}, "width is 3.5"),
        ({"width": True}, "width is True"),
        ({"width": 10**400}, "but must be a whole number between 1 and 10"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"rate": "1"}, "rate is '1'"),
        ({"deep": 1}, "deep is 1, but must be one of True, 2"),
        ({"share": "4"}, "share is '4'"),
        ({"kernel": (3, 3)}, "rate is inactive with kernel (3, 3): leave it out"),
        ({"width": 9}, "forbidden"),
        ({"width": 0, "rate": 2, "deep": 3}, "deep is 3"),
    ],
)
def test_what_is_wrong_is_told_with_its_source(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(nas.UserError) as refusal:
        checked_config(motley(), {**RIGHT, **changes}, "good.jsonl, line 3")
    message = str(refusal.value)
    assert message.startswith("good.jsonl, line 3: ") and told in message and "\n" not in message
    assert all(f"{name} is " in message for name in changes if len(changes) == 3)


def test_what_is_missing_is_told() -> None:
    with pytest.raises(nas.UserError, match=r"initial\[2\]: .*: deep is missing; kernel is missing.*width is missing"):
        checked_config(motley(), {}, "initial[2]")


def test_a_default_that_is_none_is_never_trained() -> None:
    with pytest.raises(nas.UserError, match=r"default: .*widht"):
        nas.search(motley(), tell_types, strategy="default", default={**RIGHT, "widht": 3})


def tell_types(config: dict[str, Any], *, epochs: int, **job: Any) -> dict[str, Any]:
    """Return what hangs on the types of the values alone, and on the width."""
    return {
        "accuracy": config["width"] * epochs,
        "types": sorted(f"{k} {v!r}" for k, v in config.items() if k != "rate"),
    }


def test_values_keep_their_types_through_the_journal(tmp_path: Path) -> None:
    def search(name: str) -> nas.Run:
        limits: dict[str, Any] = {"max_trials": 40, "max_epochs": 3, "min_epochs": 1, "seed": np.int64(1)}
        return nas.search(motley(), tell_types, run_dir=tmp_path / name, verbose=False, **limits)

    whole = search("whole")
    seen = {text for result in whole.trials for text in result.details["types"]}
    assert seen >= {"kernel (3, 3)", "share 0.8", "share 'sqrt'", "share None", "share inf", "share 4", "deep True"}
    (tmp_path / "part").mkdir()
    for file in ("spec.json", "journal.jsonl"):
        lines = (tmp_path / "whole" / file).read_bytes().splitlines(keepends=True)
        kept = lines[: len(lines) // 2] if file == "journal.jsonl" else lines
        (tmp_path / "part" / file).write_bytes(b"".join(kept))
    again = search("part")
    assert history(tmp_path / "part") == history(tmp_path / "whole")
    assert again.best and whole.best and again.best.config == whole.best.config


@pytest.mark.parametrize("choice", [{"a": 1}, object, float("nan"), [3, 3]])
def test_a_choice_that_cannot_be_written_down_is_told(choice: object) -> None:
    space = ConfigurationSpace()
    space.add(Categorical("kernel", ["same", choice]))
    with pytest.raises(nas.UserError, match=r"kernel has the choice .* cannot be written down"):
        nas.search(space, tell_types, max_trials=1)

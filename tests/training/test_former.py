"""The state that an earlier version kept is continued: two epochs of two folds, in one file. Its maker was ca8abb0."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from nas.training.task import ImageTask

ASSETS = Path(__file__).parent / "assets"
KNOWN: dict[str, Any] = json.loads((ASSETS / "former.json").read_text())


def trained(checkpoint: Path) -> dict[str, Any]:
    task = ImageTask("digits", None, "cnn", 2, 0, 9, "cpu", 1)
    return task(KNOWN["config"], epochs=4, start=2, seed=7, checkpoint=checkpoint)


def test_a_state_of_before_is_continued(tmp_path: Path) -> None:
    shutil.copy(ASSETS / "former_state", tmp_path / "state")
    found, expected = trained(tmp_path / "state"), KNOWN["after 4"]
    assert found["loss_curve"][:2] == KNOWN["after 2"]["loss_curve"]  # told by the file, to the bit
    assert found["loss_curve"] == pytest.approx(expected["loss_curve"], rel=1e-3)  # processors round as they like
    assert found["accuracy"] == pytest.approx(expected["accuracy"], abs=0.01)
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["fold0", "fold1"]


def test_one_that_is_spoilt_is_not(tmp_path: Path) -> None:
    content = bytearray((ASSETS / "former_state").read_bytes())
    content[-100] ^= 1
    (tmp_path / "state").write_bytes(content)
    assert trained(tmp_path / "state")["loss_curve"][0] == pytest.approx(KNOWN["after 2"]["loss_curve"][0], rel=1e-3)

"""A search over how a known network is trained leaves what any search does, and needs no more to be used."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from nas.main import main
from nas.runs import saved
from nas.spaces.models import named
from tests.cli.commands.test_recipe_flags import TINY
from tests.spaces.test_models import TINY as NETS
from tests.spaces.test_models import built, weights_of


def test_a_model_is_searched_evaluated_exported_and_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, run = tmp_path / "net.py", tmp_path / "run"
    file.write_text(NETS)
    weights = weights_of(built(f"{file}:tiny", (1, 8, 8)), tmp_path / "w.safetensors")
    name = named(f"{file}:tiny", str(weights), momentum=0.5)
    words = ["--space", name, "--run-dir", str(tmp_path), "--name", "run", "--max-params", "1000"]
    assert main([*words, *TINY, "--workers", "0", "--optimizer", "sgd"]) == 0
    best = run / "best.json"
    kept = saved.read(best)
    assert kept.space == name and set(kept.config) == {"learning_rate", "weight_decay"}
    assert kept.recipe["momentum?"] == 0.5
    before = json.loads(best.read_text())["evidence"]["test"]
    assert main(["evaluate", str(best), "--quiet"]) == 0
    assert json.loads((run / "best.evaluation.json").read_text())["metrics"] == before
    assert main(["history", "add", str(run), "--history", str(tmp_path / "h.db")]) == 0
    weights.unlink()  # the trained network has its own
    shutil.move(run, tmp_path / "elsewhere")
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "elsewhere"), "docs/pictures/digits"]) == 0
    assert main(["export", str(tmp_path / "elsewhere"), "--format", "torchscript"]) == 0
    assert "changed" not in capsys.readouterr().err


def test_limits_are_checked_once_for_a_network_that_is_always_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = list[int]()
    monkeypatch.setattr("nas.training.cost.parameters", lambda model: counted.append(1) or 11_000_000)
    words = ["--space", "squeezenet1_1", "--run-dir", str(tmp_path), "--name", "run", "--max-params", "1000"]
    assert main([*words, *TINY, "--workers", "0"]) == 2
    assert "the smallest seen has 11000000" in capsys.readouterr().err
    assert len(counted) == 1
    assert torch.get_default_device().type == "cpu"

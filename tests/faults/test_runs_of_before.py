"""Do the runs that an older version left still open, and go on to what that version would have come to?

assets/v2 was made by commit ca8abb0, every run from its folder by `--space tiny.py --data digits`. Four of them were
killed between two epochs of a rung (`NAS_FAULT=epoch.trained:N:kill`), when the state of the epoch before had been
saved; histories/ holds what the same commands came to when nobody killed them. Children that were not bred yet are
others now, bred from what is known by then (decision 026).
"""

import json
import shutil
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from nas.main import main
from nas.runs.saved import versions
from nas.spaces.space import load
from tests.cli.commands.conftest import written

ASSETS = Path(__file__).parent / "assets/v2"
ARITHMETIC = "7bb919499787f6f1"  # of the processor that made them
BEGUN_WITH = json.loads((ASSETS / "killed/spec.json").read_text())["details"]["versions"]
goes_on = pytest.mark.skipif(
    versions() != BEGUN_WITH, reason=f"a run goes on with the packages that it was begun with only: {BEGUN_WITH}"
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the runs, to which their paths are relative."""
    shutil.copytree(ASSETS, tmp_path / "v2")
    monkeypatch.chdir(tmp_path / "v2")
    return tmp_path / "v2"


def arithmetic() -> str:
    """Return a digest of the weights after a few steps. Processors add in different orders, and round differently."""
    torch.manual_seed(0)
    space = load(str(ASSETS / "tiny.py"))
    model = space.build(space.default, (1, 4, 4), 10)
    pixels, labels = torch.rand(128, 1, 4, 4), torch.arange(128) % 10
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    for _ in range(10):
        optimizer.zero_grad()
        functional.cross_entropy(model(pixels), labels, label_smoothing=0.1).backward()
        optimizer.step()
    weights: list[Tensor] = [value.detach().flatten() for value in model.parameters()]
    return blake2b(torch.cat(weights).numpy().tobytes(), digest_size=8).hexdigest()


def assert_same(run: Path, expected: Path, others: tuple[str, ...] = ()) -> None:
    """Compare a run's history with `expected`: to the byte where the processor rounds as that which made it.

    Trials whose ids begin with one of `others` are bred anew: they may be other ones, but there are some.
    """
    (found, found_others), (kept, kept_others) = (_parted(path, others) for path in (run / "history.jsonl", expected))
    assert bool(found_others) == bool(kept_others)
    if arithmetic() == ARITHMETIC:
        assert found == kept
    (found_lines, found_numbers), (kept_lines, kept_numbers) = apart(found), apart(kept)
    assert found_lines == kept_lines
    assert found_numbers == pytest.approx(kept_numbers, rel=1e-5)


def _parted(history: Path, others: tuple[str, ...]) -> tuple[str, int]:
    """Return the lines of all but some trials, and the number of the lines of those."""
    lines = history.read_text().splitlines(keepends=True)
    left = [line for line in lines if not json.loads(line)["job"]["trial"]["id"].startswith(others)]
    return "".join(left), len(lines) - len(left)


def apart(history: str) -> tuple[list[dict[str, Any]], list[float]]:
    """Return the lines without their fractions, and those."""
    fractions: list[float] = []
    return [
        json.loads(line, parse_float=lambda x: fractions.append(float(x))) for line in history.splitlines()
    ], fractions


@goes_on
@pytest.mark.parametrize(
    ("name", "history", "left", "others"),
    [("killed", "killed", 17, ("g1.",)), ("confirming", "killed", 3, ()), ("asha", "asha", 16, ("g5.", "g6."))],
)
def test_a_run_killed_within_a_rung_goes_on_from_the_epoch_it_had_saved(
    here: Path, monkeypatch: pytest.MonkeyPatch, name: str, history: str, left: int, others: tuple[str, ...]
) -> None:
    """`left` is the number of epochs that were not saved, over all folds; the last points are those of the test."""
    monkeypatch.setenv("NAS_FAULT_LOG", str(here / "points"))
    assert main(["resume", name, "--quiet"]) == 0
    assert_same(here / name, here / f"histories/{history}.jsonl", others)
    passed = [line.partition(":")[0] for line in (here / "points").read_text().splitlines()]
    searched = passed[: len(passed) - passed[::-1].index("journal.written")]
    assert searched.count("epoch.trained") == left
    assert main(["verify", name]) == 0
    assert not (here / name / "checkpoints").exists()


@goes_on
def test_a_comparison_killed_on_its_second_seed_goes_on(here: Path) -> None:
    finished = {path: path.read_bytes() for path in here.glob("comparison/*-seed1/*.jsonl")}
    assert len(finished) == 9
    assert main(["resume", "comparison", "--quiet"]) == 0
    for history in here.glob("histories/*-seed2.jsonl"):
        assert_same(here / "comparison" / history.stem, history)
    assert {path: path.read_bytes() for path in finished} == finished
    assert "Is it more than luck?" in (here / "comparison/comparison.html").read_text()


@goes_on
def test_a_finished_run_has_nothing_left_to_search(here: Path) -> None:
    journal = (here / "whole/journal.jsonl").read_bytes()
    assert main(["resume", "whole", "--quiet"]) == 0
    assert (here / "whole/journal.jsonl").read_bytes() == journal
    assert_same(here / "whole", ASSETS / "whole/history.jsonl")


def test_a_finished_run_is_verified_and_reported(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "whole"]) == 0
    assert main(["report", "whole"]) == 0
    page = (here / "whole/report.html").read_text()
    for metric in evidence(here)["validation"].values():
        assert f"{metric:.4f}" in page or f"{metric:,.0f}" in page


def test_its_best_is_trained_again_to_what_it_was(here: Path) -> None:
    assert main(["evaluate", "whole/best.json"]) == 0
    again = json.loads(next(here.glob("whole/best*.evaluation.json")).read_text())["metrics"]
    assert again == pytest.approx(evidence(here)["test"], rel=1e-5)


def test_its_network_predicts_as_it_did(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from nas.data import load as load_images

    written(here / "images", "digits")
    assert main(["predict", "whole", "images", "--json"]) == 0
    seen = [json.loads(line)["classes"][0]["class"] for line in capfd.readouterr().out.splitlines()]
    labels = load_images("digits", "test").labels.tolist()
    right = sum(int(found) == label for found, label in zip(seen, labels, strict=True))
    assert right / len(labels) == pytest.approx(evidence(here)["test"]["accuracy"])


@pytest.mark.parametrize("kind", ["torchscript", "safetensors", "csv", "parquet", "optuna"])
def test_it_is_exported(here: Path, kind: str) -> None:
    assert main(["export", "whole", "--format", kind, "--output", f"exported.{kind}"]) == 0
    assert (here / f"exported.{kind}").stat().st_size > 500


def evidence(here: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((here / "whole/best.json").read_text())["evidence"]
    return found

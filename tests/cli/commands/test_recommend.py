"""`nas recommend` on digits: an answer at once, one for a few epochs, and what it says of a history of no use."""

import json
from pathlib import Path

import pytest

from nas.history.history import History
from nas.history.sources.runs import found
from nas.main import main
from nas.runs import saved
from tests.cli.commands.conftest import SMALL

ON = ("--folds", "1", "--workers", "0", "--quiet")


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a space and the history of a search on digits-m, resized to 8x8."""
    folder = tmp_path_factory.mktemp("earlier")
    (folder / "small.py").write_text(SMALL)
    asked = ("--data", "digits-m", "--image-size", "8", "--epochs", "3", "--min-epochs", "1", "--eta", "2")
    limits = ("--max-trials", "10", "--max-macs", "none", "--confirm", "0", "--run-dir", str(folder))
    assert main(["search", *asked, *limits, "--space", str(folder / "small.py"), "--name", "before", *ON]) == 0
    with History(folder / "history.sqlite", create=True) as history:
        for each in found(folder / "before"):
            each.add_to(history)
    return folder


def recommend(earlier: Path, folder: Path, *flags: str) -> int:
    """Recommend for digits into `folder`/run."""
    asked = ("--history", str(earlier / "history.sqlite"), "--space", str(earlier / "small.py"), "--data", "digits")
    return main(["recommend", *asked, "--run-dir", str(folder), "--name", "run", *ON, *flags])


def test_the_answer_is_there_before_any_epoch(
    earlier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recommend(earlier, tmp_path, "--top", "2") == 0
    told = capsys.readouterr().out
    assert "expected accuracy" in told
    assert "digits-m@8" in told
    assert "no epoch was spent" in told
    assert "│ 2 │" in told
    assert "│ 3 │" not in told
    best = saved.read(tmp_path / "run" / "best.json")
    assert (best.data, best.epochs) == ("digits", 3)
    assert best.evidence["epochs_trained"] == 0
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"best.json", "summary.txt"}


def test_epochs_are_spent_where_they_say_most_and_the_best_can_be_tested(
    earlier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bounds = ("--min-precision", "0.3", "--max-params", "9000")
    assert recommend(earlier, tmp_path, "--epochs", "8", *bounds) == 0
    told, run = capsys.readouterr().out, tmp_path / "run"
    results = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    spent = sum(result["job"]["stop"] - result["job"]["start"] for result in results)
    assert spent <= 8
    assert f"{spent} epochs in" in told
    assert f"alike by {len(results)} results here" in told
    assert "constraints met" in told
    assert all(dict(result["job"]["trial"]["cheap"])["params"] <= 9000 for result in results)
    best = saved.read(run / "best.json")
    assert best.config in [result["job"]["trial"]["config"] for result in results if result["job"]["stop"] == 3]
    assert main(["evaluate", str(run / "best.json"), "--quiet"]) == 0
    assert (run / "report.html").exists()


def test_a_run_goes_on_and_a_folder_in_use_is_told(
    earlier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recommend(earlier, tmp_path, "--epochs", "4") == 0
    before = (tmp_path / "run" / "history.jsonl").read_text()
    assert recommend(earlier, tmp_path, "--epochs", "8") == 0
    assert (tmp_path / "run" / "history.jsonl").read_text().startswith(before)
    assert main(["resume", str(tmp_path / "run"), "--max-total-epochs", "9", "--quiet"]) == 0
    capsys.readouterr()
    assert recommend(earlier, tmp_path) == 2
    assert "holds a run" in capsys.readouterr().err


def test_any_search_begins_from_a_history_and_keeps_what_it_has_read(
    earlier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.sqlite"
    own.write_bytes((earlier / "history.sqlite").read_bytes())
    asked = ("--data", "digits", "--space", str(earlier / "small.py"), "--history", str(own))
    place = ("--run-dir", str(tmp_path), "--name", "run")
    rungs = ("--epochs", "2", "--min-epochs", "1", "--eta", "2", "--confirm", "0", "--max-macs", "none")
    assert main(["search", *asked, *place, *rungs, "--max-total-epochs", "6", *ON]) == 0
    run = tmp_path / "run"
    assert "earlier tasks, from which" in capsys.readouterr().out
    assert '"recall"' in (run / "history.jsonl").read_text()
    assert "earlier tasks, from which" in (run / "report.html").read_text()
    own.unlink()
    assert main(["resume", str(run), "--max-total-epochs", "12", "--quiet"]) == 0
    assert main(["verify", str(run)]) == 0
    (run / "experience.sqlite").unlink()
    History(run / "experience.sqlite", create=True).__exit__(None, None, None)
    assert main(["verify", str(run)]) == 3
    assert "not the learning curves that the run began from" in capsys.readouterr().out


def test_what_is_of_no_use_is_told_in_a_line(earlier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faults = {
        "no history": ("--history", str(tmp_path / "none")),
        "another space": ("--space", "cnn"),
        "the nearest to params<=2 has": ("--max-params", "2"),
        "--history": ("--history", ""),
    }
    for told, flags in faults.items():
        try:
            status = recommend(earlier, tmp_path, *flags)
        except SystemExit as refused:
            status = int(refused.code or 0)
        error = capsys.readouterr().err
        assert status == 2, told
        assert error.strip().count("\n") <= 1, error
        assert told in error, error
    assert not (tmp_path / "run").exists()

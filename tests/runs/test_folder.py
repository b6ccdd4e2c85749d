"""A run takes an empty folder or its own, one engine at a time, and never touches what is not its own."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

import nas
from nas.core.errors import Corrupt, InUse
from nas.main import main
from nas.report.comparison.contest import alone
from nas.report.verify import faults_of
from nas.runs.disk import write_atomically
from tests.fakes import climb, hills, python, sleep_forever
from tests.faults.runs import golden, history, search, started
from tests.processes import PATIENCE


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "mine.pt").write_text("weeks of work")
    with pytest.raises(nas.UserError, match=r"holds checkpoints and is not the folder of a run"):
        search(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["checkpoints", "mine.pt"]


@pytest.mark.parametrize("left", [(), (".DS_Store",), ("journal.jsonl", "engine"), (".nas-0123456789abcdef.tmp",)])
def test_an_empty_folder_and_what_a_killed_start_leaves_are_taken(tmp_path: Path, left: tuple[str, ...]) -> None:
    for name in left:
        (tmp_path / name).touch()
    search(tmp_path)
    assert history(tmp_path) == golden()
    assert not list(tmp_path.glob(".nas-*"))


def test_files_of_the_user_in_a_run_stay_and_a_start_that_fails_leaves_a_folder_as_it_was(tmp_path: Path) -> None:
    hidden = tmp_path / ".hidden"
    hidden.touch()
    with pytest.raises(nas.UserError, match="unknown metric"):
        nas.search(hills(), climb, objective="speed", max_trials=3, run_dir=tmp_path)
    assert list(tmp_path.iterdir()) == [hidden]
    search(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    search(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["journal.jsonl", "redraws.jsonl", "spec.json"])
@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_stands_in_place_of_a_file_is_told_and_not_written_through(tmp_path: Path, name: str, kind: str) -> None:
    run, outside = tmp_path / "run", tmp_path / "outside"
    search(run)
    content = (run / name).read_bytes()[:-5] if (run / name).exists() else b"{}"
    outside.write_bytes(content)
    (run / name).unlink(missing_ok=True)
    make: dict[str, Any] = {"link": lambda p: p.symlink_to(outside), "folder": Path.mkdir, "pipe": os.mkfifo}
    make[kind](run / name)
    with pytest.raises(Corrupt, match=rf"{name} is a {kind}, where a file of the run should be"):
        search(run)
    assert outside.read_bytes() == content
    assert main(["verify", str(run)]) == 3


def test_a_journal_with_another_name_is_not_written(tmp_path: Path) -> None:
    search(tmp_path / "run")
    (tmp_path / "copy").hardlink_to(tmp_path / "run/journal.jsonl")
    with pytest.raises(Corrupt, match=r"journal\.jsonl is a hard link"):
        search(tmp_path / "run")


def test_links_in_the_way_of_what_is_written_anew_are_replaced(tmp_path: Path) -> None:
    run, outside = tmp_path / "run", tmp_path / "outside"
    search(run)
    outside.write_text("mine")
    for name in ("history.jsonl", "history.jsonl.tmp", "end.json", "engine"):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(outside)
    search(run)
    assert outside.read_text() == "mine"
    assert history(run) == golden() and not (run / "history.jsonl").is_symlink()


def test_a_link_to_checkpoints_elsewhere_is_refused(tmp_path: Path) -> None:
    run, outside = tmp_path / "run", tmp_path / "outside"
    search(run)
    outside.mkdir()
    (outside / "mine").touch()
    (run / "checkpoints").symlink_to(outside)
    with pytest.raises(Corrupt, match="checkpoints is a link"):
        search(run)
    assert (outside / "mine").exists()


def test_a_run_behind_a_link_to_its_folder_goes_on(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "disk")
    search(tmp_path / "runs/run")
    search(tmp_path / "disk/run", sleep_forever)
    assert history(tmp_path / "runs/run") == golden()


@pytest.mark.parametrize("damage", ["flipped", "halved", "appended", "gone", "lines ended as on Windows"])
def test_a_damaged_history_is_found_and_written_again(tmp_path: Path, damage: str) -> None:
    search(tmp_path)
    whole, file = history(tmp_path), tmp_path / "history.jsonl"
    flipped = whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]
    damaged = {"flipped": flipped, "halved": whole[: len(whole) // 2], "appended": whole + whole[:50]}
    file.write_bytes(damaged.get(damage, whole.replace(b"\n", b"\r\n")))
    if damage == "gone":
        file.unlink()
    assert any("history.jsonl" in fault for fault in faults_of(tmp_path))
    search(tmp_path, sleep_forever)
    assert history(tmp_path) == golden()
    assert not list(faults_of(tmp_path))


def test_a_journal_that_lost_results_is_told_not_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    search(tmp_path)
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:3]))
    for command in (["report"], ["export", "--format", "csv"]):
        assert main([command[0], str(tmp_path), *command[1:]]) == 3
        assert "has 3 results and history.jsonl" in capsys.readouterr().err
    journal.write_bytes(b"")
    (tmp_path / "history.jsonl").unlink()
    assert main(["export", str(tmp_path), "--format", "csv"]) == 2
    assert "has no result yet" in capsys.readouterr().err


@pytest.mark.parametrize("seed", [0, 1])
def test_of_two_searches_that_begin_at_once_one_runs_and_the_other_is_told(tmp_path: Path, seed: int) -> None:
    """The first stands still with the lock and has not written its spec.json yet."""
    first = started(tmp_path / "run", NAS_FAULT="file.written:1:stop")
    os.waitpid(first.pid, os.WUNTRACED)
    with pytest.raises(InUse, match=f"in use by process {first.pid}"):
        search(tmp_path / "run", seed=seed)
    first.send_signal(signal.SIGCONT)
    _, errors = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, errors
    assert history(tmp_path / "run") == golden()


def test_a_comparison_is_worked_on_by_one_process(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from nas.report.comparison.contest import alone\n"
    code += "with alone(Path(sys.argv[1])): pass"
    with alone(tmp_path / "both"):
        second: subprocess.Popen[str] = python(code, tmp_path / "both")
        _, errors = second.communicate()
        assert f"in use by process {os.getpid()}" in errors
    assert python(code, tmp_path / "both").wait() == 0


def test_a_pipe_or_folder_in_place_of_what_is_written_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "report.html")
    with pytest.raises(Corrupt, match=r"report\.html is a pipe"):
        write_atomically(tmp_path / "report.html", "page")
    (tmp_path / "summary.txt").mkdir()
    with pytest.raises(Corrupt, match=r"summary\.txt is a folder"):
        write_atomically(tmp_path / "summary.txt", "table")
    assert not list(tmp_path.glob(".nas-*"))

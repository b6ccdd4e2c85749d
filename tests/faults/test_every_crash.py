"""Promise 1: killed at any instant, a run goes on to the same history, nothing lost, nothing left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nas.core import faults
from tests.fakes import ROOT
from tests.processes import PATIENCE


def test_promise_1_a_crash_at_each_point_of_a_run_changes_nothing() -> None:
    command = [sys.executable, "-m", "tests.faults.crash_everywhere"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2 * PATIENCE)
    assert found.returncode == 0, found.stdout + found.stderr
    crashes, points = [int(word) for word in found.stdout.split() if word.isdigit()][:2]
    assert crashes > 100 and points == len(POINTS)
    assert all(f"'{point}'" in found.stdout for point in POINTS)


POINTS = {
    "checkpoint.copied", "checkpoint.delete", "checkpoint.synced", "file.replaced", "file.written",
    "job.prepared", "job.trained", "journal.append", "journal.synced", "journal.written",
}  # fmt: skip


def test_every_fault_point_of_the_engine_is_crashed_at() -> None:
    named = set[str]()
    for path in (ROOT / "nas").rglob("*.py"):
        named |= {part.split('"')[0] for part in path.read_text().split('faults.point("')[1:]}
    elsewhere = {"epoch.trained", "step.trained", "history.written"}  # in the tests of training and of histories
    assert named == POINTS | elsewhere


def test_an_unarmed_point_does_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAS_FAULT", "journal.append:2:kill")
    monkeypatch.setattr(faults, "_passed", type(faults._passed)())
    faults.point("journal.append")
    faults.point("journal.written")
    monkeypatch.setenv("NAS_FAULT", "journal.append:2:full")
    with pytest.raises(OSError, match=os.strerror(28)):
        faults.point("journal.append")

"""What the folder of a run tells is what the search knew."""

from pathlib import Path
from typing import Any

import pytest

import nas
from nas.core.types import Status
from nas.runs.stored import open_run
from tests.fakes import fates, hills, look_up, meet_fate, params
from tests.processes import PATIENCE

ASKED: dict[str, Any] = {
    "measure": lambda config: {"params": params(config)}, "constraints": ["params<=500", "precision>=0.001"],
    "max_trials": 60, "max_epochs": 12, "min_epochs": 3, "offspring": 4, "confirm": 2,
}  # fmt: skip


def test_a_run_reads_back_as_it_was(tmp_path: Path) -> None:
    run, stored = nas.search(hills(), look_up, run_dir=tmp_path, **ASKED), open_run(tmp_path)
    assert (stored.history, stored.best, stored.confirmation) == (run.trials, run.best, run.confirmation)
    assert [*stored.results, *stored.repetitions] == run.trials and stored.repetitions
    assert stored.spec.to_json() == run.spec.to_json()
    assert stored.redraws == run.redraws and run.redraws["params<=500"] > 0
    assert sorted(map(id, stored.history)) == sorted(map(id, stored.committed))


def test_what_was_no_number_reads_back_as_diverged(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"max_trials": 20, "max_epochs": 3, "min_epochs": 1, "eta": 3}
    run = nas.search(fates("fine", "nan"), meet_fate, run_dir=tmp_path, **asked)
    assert any(result.status is Status.DIVERGED for result in run.trials)
    assert [(r.status, r.score) for r in open_run(tmp_path).history] == [(r.status, r.score) for r in run.trials]


def test_a_run_in_pieces_counts_each_redraw_once(tmp_path: Path) -> None:
    whole = nas.search(hills(), look_up, **ASKED)
    for limit in (0.05, 0.1, 0.2, PATIENCE):
        pieces = nas.search(hills(), look_up, run_dir=tmp_path, max_time=limit, **ASKED)
    assert pieces.redraws == whole.redraws
    (tmp_path / "redraws.jsonl").write_bytes(b'{"bracket": "g0.b0", "redraws": {"repeat"\n\xff\n[]\n')
    assert not open_run(tmp_path).redraws


def test_what_is_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(nas.UserError, match=r"spec\.json cannot be read"):
        open_run(tmp_path)
    nas.search(hills(), look_up, run_dir=tmp_path, **ASKED)
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"accuracy", b"acuracy_", 1))
    with pytest.raises(nas.Corrupt, match=r"line 1, byte 0: the checksum is wrong; see nas verify"):
        open_run(tmp_path)
    (tmp_path / "spec.json").write_text('{"space": {}}')
    with pytest.raises(nas.UserError, match=r"spec\.json: this does not describe a run"):
        open_run(tmp_path)

"""Who looks on may stop a search, and may not change it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nas
from tests.fakes import climb, hills

SMALL: dict[str, Any] = {"max_trials": 12, "max_epochs": 9, "min_epochs": 1, "eta": 3, "seed": 3}


def search(folder: Path | None = None, **asked: Any) -> nas.Run:
    return nas.search(hills(), climb, run_dir=folder, **{**SMALL, **asked})


@pytest.mark.parametrize("answer", [True, np.True_])
def test_true_stops_the_search_there_and_the_rest_follows_later(tmp_path: Path, answer: Any) -> None:
    seen = list[nas.Result]()
    run = search(tmp_path / "part", callbacks=[lambda result: seen.append(result) or (len(seen) == 4 and answer)])
    assert (run.stopped, len(run.trials)) == ("callback", 4) and seen[3] in run.trials
    search(tmp_path / "part")
    search(tmp_path / "whole")
    assert (tmp_path / "part/history.jsonl").read_bytes() == (tmp_path / "whole/history.jsonl").read_bytes()


@pytest.mark.parametrize("answer", [None, 0, 1, "yes", False, np.False_])
def test_nothing_else_does(answer: Any) -> None:
    assert search(callbacks=[lambda result: answer]).stopped == "limit on trials or epochs"


def test_what_a_callback_raises_is_raised_and_the_run_goes_on_later(tmp_path: Path) -> None:
    def fail(result: nas.Result) -> None:
        raise LookupError("nobody is there")

    with pytest.raises(LookupError, match="nobody is there"):
        search(tmp_path / "part", callbacks=[fail])
    search(tmp_path / "part")
    search(tmp_path / "whole")
    assert (tmp_path / "part/history.jsonl").read_bytes() == (tmp_path / "whole/history.jsonl").read_bytes()


def test_what_a_callback_does_to_a_result_changes_nothing() -> None:
    def spoil(result: nas.Result) -> None:
        result.metrics["accuracy"] = 99.0

    assert [result.metrics for result in search(callbacks=[spoil]).trials] == [r.metrics for r in search().trials]


def test_what_is_no_function_is_told_before_the_search() -> None:
    with pytest.raises(nas.UserError, match="callbacks hold 3, but each must be a function"):
        search(callbacks=[3])


def test_the_folder_of_the_run_is_where_it_was_when_the_search_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    search(Path("run"), callbacks=[lambda result: monkeypatch.chdir(tmp_path / "elsewhere")])
    assert (tmp_path / "run/history.jsonl").exists() and not any((tmp_path / "elsewhere").iterdir())

"""A run that has ended goes on where it is given more, and the history that it had stays as it was."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nas
from nas.core.errors import UserError
from nas.core.types import Result
from nas.report.verify import faults_of
from nas.runs.stored import open_run
from tests.fakes import climb, hills, look_up, params

SMALL: dict[str, Any] = {"max_epochs": 9, "min_epochs": 1, "eta": 3, "offspring": 4, "population": 6, "seed": 3}
KINDS: list[dict[str, Any]] = [
    {"confirm": 2},
    {"budget": "hyperband", "confirm": 1},
    {"budget": "asha", "confirm": 2, "measure": {"macs": params}},
    {"strategy": "random", "budget": "full"},
]
kinds = pytest.mark.parametrize("kind", KINDS, ids=["evolution", "hyperband", "asha", "random"])


def search(folder: Path, train: Any = climb, **asked: Any) -> nas.Run:
    return nas.search(hills(), train, run_dir=folder, **{**SMALL, **asked})


def history(folder: Path) -> bytes:
    return (folder / "history.jsonl").read_bytes()


def after(count: int) -> Callable[[Result], bool]:
    """Return a callback that stops the search after so many results."""
    seen = list[Result]()
    return lambda result: seen.append(result) is None and len(seen) == count


@kinds
@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"max_trials": 20}, {"max_trials": 45}),
        ({"max_total_epochs": 120}, {"max_total_epochs": 260}),
        ({"max_trials": 20}, {"max_total_epochs": 260}),
    ],
)
def test_the_history_begins_with_the_one_it_had_and_the_new_limits_hold(
    tmp_path: Path, kind: dict[str, Any], first: dict[str, int], then: dict[str, int]
) -> None:
    short = search(tmp_path, **kind, **first)
    before = history(tmp_path)
    long = search(tmp_path, **kind, **then)
    assert history(tmp_path).startswith(before) and len(long.trials) > len(short.trials)
    assert long.trials[: len(short.trials)] == short.trials == open_run(tmp_path).history[: len(short.trials)]
    assert len({result.job.trial.id for result in long.trials}) <= then.get("max_trials", 10**9)
    assert long.total_epochs <= then.get("max_total_epochs", 10**9)
    assert list(faults_of(tmp_path)) == []
    assert search(tmp_path, **kind, **then).trials == long.trials  # asked for again, it is what it is


@kinds
def test_what_comes_of_more_does_not_hang_on_when_it_was_interrupted(tmp_path: Path, kind: dict[str, Any]) -> None:
    kind = {**kind, "model": "none"}
    for trials in (15, 22, 36):
        whole = search(tmp_path / "whole", **kind, max_trials=trials)
    for count in (1, 6):
        folder = tmp_path / f"stopped{count}"
        for trials in (15, 22, 36):
            part = search(folder, **kind, max_trials=trials, callbacks=[after(count)])
            assert part.stopped == "callback"
            search(folder, **kind, max_trials=trials)
        assert history(folder) == history(tmp_path / "whole")
        assert [limits.max_trials for limits in open_run(folder).spec.earlier] == [15, 22]
    assert len({result.job.trial.id for result in whole.trials}) == 36


@kinds
def test_a_run_that_only_time_had_ended_goes_on_likewise(tmp_path: Path, kind: dict[str, Any]) -> None:
    assert search(tmp_path, **kind, max_time=0.3).stopped == "time limit"
    before = history(tmp_path)
    assert search(tmp_path, **kind, max_time=0.2).stopped == "time limit" and history(tmp_path) == before
    assert open_run(tmp_path).spec.earlier == ()
    more = search(tmp_path, **kind, max_trials=before.count(b"\n") + 40)
    assert more.stopped == "limit on trials or epochs"
    assert history(tmp_path).startswith(before) and len(history(tmp_path)) > len(before)


def test_of_all_that_was_trained_again_under_old_and_new_limits_no_more_than_the_share_is(tmp_path: Path) -> None:
    for trials in (20, 40, 100):
        run = search(tmp_path, look_up, confirm=3, max_trials=trials)
        again = {result.job.trial.id for result in run.repetitions}
        assert 0 < len(again) <= 0.15 * trials
    assert run.best and run.confirmation


def test_limits_below_what_was_done_are_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    search(tmp_path, max_trials=20)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(nas.UserError, match="max trials is 19, but the run has had 20: give at least as many"):
        search(tmp_path, max_trials=19)
    with pytest.raises(nas.UserError, match="max total epochs is 9, but the run has had"):
        search(tmp_path, max_total_epochs=9)
    with pytest.raises(nas.UserError, match="another run, with seed 3, now 4"):
        search(tmp_path, max_trials=30, seed=4)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


@settings(max_examples=12)
@given(st.lists(st.integers(1, 15), min_size=2, max_size=4), st.integers(0, 3))
def test_any_series_of_larger_limits_keeps_every_history_it_had(steps: list[int], confirm: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        before, trials = b"", 0
        for step in steps:
            trials += step
            asked = {**SMALL, "confirm": confirm, "model": "none", "max_trials": trials}
            run = nas.search(hills(), look_up, run_dir=folder, **asked)
            assert len({result.job.trial.id for result in run.trials}) <= trials
            assert history(Path(folder)).startswith(before)
            before = history(Path(folder))


def test_a_run_goes_on_with_the_parameters_it_began_with_whatever_the_defaults_are(tmp_path: Path) -> None:
    """As one of before does whose defaults were others; what is named must still be the same."""
    began: dict[str, Any] = {"run_dir": tmp_path / "run", "scheduler": "full"}
    first = nas.search(hills(), climb, **began, model="forest", offspring=3, max_epochs=2, max_trials=4)
    again = nas.search(hills(), climb, **began, max_trials=8)
    assert vars(again.spec.strategy) == vars(first.spec.strategy) and again.spec.max_epochs == 2
    assert [r.job for r in again.trials][:4] == [r.job for r in first.trials] and len(again.trials) == 8
    with pytest.raises(UserError, match="holds another run, with offspring 3, now 2"):
        nas.search(hills(), climb, **began, offspring=2, max_trials=9)

"""Whoever else trains what the search asks for gets the history of `nas.search`, as long as the answers are its."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

import nas
from tests.fakes import climb, fates, hills, meet_fate, params

SMALL: dict[str, Any] = {
    "max_epochs": 9, "min_epochs": 1, "eta": 3, "offspring": 4, "population": 6, "seed": 3, "measure": {"macs": params},
}  # fmt: skip
KINDS: list[dict[str, Any]] = [
    {"max_trials": 30, "confirm": 2},
    {"max_trials": 30, "budget": "asha"},
    {"max_total_epochs": 200, "budget": "hyperband", "strategy": "random"},
    {"strategy": "default"},
]


def answer(assignment: nas.Assignment, train: Any = climb) -> Any:
    job = {name: getattr(assignment, name) for name in ("epochs", "start", "seed", "checkpoint")}
    try:
        return train(assignment.config, **job)
    except Exception as error:
        return error


def serve(search: nas.AskTell, at_once: int, train: Any = climb, most: int = 10**6) -> None:
    """Train what is asked for, so many at a time, and tell it in any order."""
    luck, held, told = random.Random(at_once), list[nas.Assignment](), 0
    while told < most:
        while len(held) < at_once and (assignment := search.ask()):
            held.append(assignment)
        if not held:
            return
        assignment = held.pop(luck.randrange(len(held)))
        search.tell(assignment, answer(assignment, train))
        told += 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at_once", [1, 5])
def test_the_history_is_that_of_a_search_whoever_trains_and_in_whatever_order(
    tmp_path: Path, kind: dict[str, Any], at_once: int
) -> None:
    whole = nas.search(hills(), climb, run_dir=tmp_path / "search", **SMALL, **kind)
    with nas.AskTell(hills(), run_dir=tmp_path / "told", **SMALL, **kind) as search:
        serve(search, at_once, most=9)
    assert search.close().stopped == ("closed" if len(whole.trials) > 9 else whole.stopped)
    with nas.AskTell(hills(), run_dir=tmp_path / "told", **SMALL, **kind) as search:
        serve(search, at_once)
        assert search.done and search.ask() is None
    run = search.close()
    assert run.stopped == whole.stopped and run.best and whole.best and run.best.config == whole.best.config
    assert (tmp_path / "told/history.jsonl").read_bytes() == (tmp_path / "search/history.jsonl").read_bytes()


def test_what_was_asked_for_and_never_told_is_asked_for_again(tmp_path: Path) -> None:
    def begin() -> nas.AskTell:
        return nas.AskTell(hills(), run_dir=tmp_path, max_trials=10, **SMALL)

    with begin() as search:
        lost = search.ask()
    with begin() as search:
        assert search.ask() == lost


def test_failures_are_told_as_a_trainer_raises_them() -> None:
    kinds = ("fine", "raise", "diverge", "memory", "nothing")
    asked: dict[str, Any] = {"max_trials": 30, "max_epochs": 1, "min_epochs": 1, "seed": 5}
    with nas.AskTell(fates(*kinds), **asked) as search:
        serve(search, 1, meet_fate)
    run, trained = search.close(), nas.search(fates(*kinds), meet_fate, **asked)
    assert [(result.status, result.error) for result in run.trials] == [(r.status, r.error) for r in trained.trials]
    assert {result.status for result in run.trials} >= {nas.Status.OK, nas.Status.CRASHED, nas.Status.DIVERGED}


def test_asking_on_without_telling_ends_in_none_and_telling_goes_on() -> None:
    with nas.AskTell(hills(), max_trials=10, **SMALL) as search:
        held = list[nas.Assignment]()
        while assignment := search.ask():
            held.append(assignment)
        assert 1 < len(held) <= 10 and not search.done
        assert [assignment.trial for assignment in held] == sorted({assignment.trial for assignment in held})
        result = search.tell(held[0], answer(held[0]))
        assert result.status is nas.Status.OK and search.best == result
        with pytest.raises(nas.UserError, match="was told before"):
            search.tell(held[0], {"accuracy": 1.0})
        assert search.ask() is None


def test_it_works_in_a_notebook_where_an_event_loop_runs() -> None:
    async def cell() -> nas.Run:
        with nas.AskTell(hills(), max_trials=10, **SMALL) as search:
            serve(search, 3)
        return search.close()

    expected = nas.search(hills(), climb, max_trials=10, **SMALL)
    assert [result.score for result in asyncio.run(cell()).trials] == [result.score for result in expected.trials]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"workers": 4}, "AskTell has no argument workers: it has .*max_trials"),
        ({"max_trials": 0}, "max trials is 0"),
        ({"initial": [{"rate": 3}]}, "initial\\[0\\]"),
    ],
)
def test_bad_arguments_are_told_as_by_a_search(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(nas.UserError, match=told):
        nas.AskTell(hills(), **asked)


def test_what_is_told_too_late_or_of_something_else_is_refused() -> None:
    search = nas.AskTell(hills(), max_trials=10, callbacks=[lambda result: True], **SMALL)
    one, two = search.ask(), search.ask()
    assert one and two
    with pytest.raises(nas.UserError, match="None is not what ask has returned"):
        search.tell(None, {"accuracy": 1.0})  # type: ignore[arg-type]
    search.tell(one, answer(one))
    with pytest.raises(nas.UserError, match=r"the search has ended: the outcome of trial .* comes too late"):
        search.tell(two, answer(two))
    assert search.close().stopped == "callback" and search.ask() is None

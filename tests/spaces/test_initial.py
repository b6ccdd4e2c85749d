"""Known good configurations are trained first, whoever searches."""

import json
from pathlib import Path
from typing import Any

import pytest
from ConfigSpace import Categorical, ConfigurationSpace, Float, ForbiddenEqualsClause

import nas
from nas.spaces.initial import read
from tests.fakes import climb, hills, params

SMALL: dict[str, Any] = {"max_epochs": 9, "min_epochs": 1, "eta": 3, "offspring": 4, "population": 6, "seed": 3}
ONE = {"depth": 1, "optimizer": "adam", "rate": 0.01, "width0": 7}
TWO = {"depth": 2, "optimizer": "sgd", "momentum": 0.9, "rate": 0.02, "width0": 5, "width1": 8}
STRATEGIES: list[dict[str, Any]] = [
    {}, {"budget": "asha", "measure": {"macs": params}}, {"strategy": "random"}, {"budget": "full"},
    {"budget": "hyperband"}, {"strategy": "default"},
]  # fmt: skip


def search(**asked: Any) -> nas.Run:
    return nas.search(hills(), climb, **{"max_trials": 20, **SMALL, **asked})


@pytest.mark.parametrize("asked", STRATEGIES)
def test_every_strategy_begins_with_them_and_trains_them_fully(tmp_path: Path, asked: dict[str, Any]) -> None:
    committed = list[nas.Result]()
    run = search(default=ONE, initial=[TWO, ONE, TWO], callbacks=[committed.append], run_dir=tmp_path, **asked)
    if asked.get("budget") == "asha":  # where trials are numbered as they begin
        committed.sort(key=lambda result: int(result.job.trial.id[1:].split(".")[0]))
    assert [result.config for result in committed[:2]] == [ONE, TWO]
    assert {result.epochs for result in committed[:2]} == {9}
    assert sum(result.config in (ONE, TWO) for result in run.trials) == 2  # each once
    assert search(default=ONE, initial=[TWO, ONE, TWO], run_dir=tmp_path, **asked).trials == run.trials


def test_the_population_descends_from_them() -> None:
    """All but samples have parents, and some have these."""
    run = search(initial=[ONE, TWO], max_trials=60, mutation_rate=0.0)
    named = {result.job.trial.id for result in run.trials if result.job.trial.operator == "initial"}
    assert named == {"g0.b0.0", "g0.b0.1"}
    assert any(named & set(result.job.trial.parents) for result in run.trials)


def test_a_limit_that_has_no_room_for_all_takes_the_first() -> None:
    run = search(initial=[ONE, TWO], max_trials=1)
    assert [result.config for result in run.trials] == [ONE]


@pytest.mark.parametrize("asked", STRATEGIES)
def test_those_that_a_limit_left_out_come_first_when_there_is_more(tmp_path: Path, asked: dict[str, Any]) -> None:
    asked = {**asked, "default": ONE, "initial": [TWO, {**TWO, "width0": 6}], "run_dir": tmp_path}
    search(**asked, max_trials=1)
    committed = list[nas.Result]()
    run = search(**asked, max_trials=6, callbacks=[committed.append])
    assert [result.config for result in run.trials if result.job.trial.operator in ("initial", "default")] == [
        ONE, *asked["initial"],
    ]  # fmt: skip
    assert {result.job.trial.operator for result in committed[:2]} == {"initial"} or asked.get("budget") == "asha"
    assert search(**asked, max_trials=6).trials == run.trials


def test_all_that_are_wrong_are_told_at_once_and_nothing_is_trained(tmp_path: Path) -> None:
    wrong = [{**ONE, "rate": 7.0}, TWO, {**ONE, "widht0": 3}]
    with pytest.raises(nas.UserError) as told:
        search(initial=wrong, run_dir=tmp_path / "run")
    assert "initial[0]" in str(told.value) and "rate" in str(told.value)
    assert "initial[2]" in str(told.value) and "widht0" in str(told.value)
    assert "initial[1]" not in str(told.value) and "\n" not in str(told.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("asked", STRATEGIES)
def test_those_that_break_a_cheap_bound_are_told_at_once(tmp_path: Path, asked: dict[str, Any]) -> None:
    measure = {"macs": params, "params": params}
    with pytest.raises(nas.UserError) as told:
        search(**{**asked, "measure": measure}, initial=[ONE, TWO], constraints=["params<=6"], run_dir=tmp_path / "run")
    assert "has params 7, which breaks params<=6" in str(told.value) or asked.get("strategy") == "default"
    assert "has params 13, which breaks params<=6" in str(told.value) or asked.get("strategy") == "default"
    assert "breaks params<=6" in str(told.value) and not (tmp_path / "run").exists()


def test_one_that_the_space_forbids_is_told() -> None:
    space = ConfigurationSpace()
    x, kind = Float("x", (0, 1)), Categorical("kind", ["a", "b"])
    space.add(x, kind)
    space.add(ForbiddenEqualsClause(kind, "b"))
    with pytest.raises(nas.UserError, match=r"default.*forbidden"):
        nas.search(space, climb, default={"x": 0.5, "kind": "b"}, max_trials=3)


def test_a_file_holds_one_saved_or_one_a_line_saved_results_or_values(tmp_path: Path) -> None:
    search(run_dir=tmp_path / "run", max_trials=3)
    results = read(tmp_path / "run/history.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "run/history.jsonl").read_text().splitlines()]
    assert [values for _, values in results] == [line["job"]["trial"]["config"] for line in lines]
    saved = {"format": "nas-configuration-1", "config": ONE}
    (tmp_path / "best.json").write_text(json.dumps(saved, indent=1))
    assert [values for _, values in read(tmp_path / "best.json")] == [ONE]
    (tmp_path / "good.jsonl").write_text(json.dumps(saved) + "\n\n" + json.dumps(TWO) + "\n")
    assert read(tmp_path / "good.jsonl") == [
        (f"{tmp_path}/good.jsonl, line 1", ONE), (f"{tmp_path}/good.jsonl, line 3", TWO),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "holds no configuration"), (b'{"x": 1}\n[1]\n', "line 2"), (b"x,y\n", "line 1"), (b"\xff\xfe", "cannot be")],
)
def test_a_file_that_holds_something_else_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(nas.UserError, match=told):
        read(tmp_path / "file")
    with pytest.raises(nas.UserError, match="No such file"):
        read(tmp_path / "nowhere")

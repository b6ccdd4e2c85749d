"""The promises of `nas.search`, held against cheap trainers: limits, survivors, failures, repeats, resuming."""

import asyncio
import math
import os
import signal
import sys
import tempfile
import threading
import time
import types
from collections import defaultdict
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace, ForbiddenEqualsClause, ForbiddenInClause, Integer
from hypothesis import given, settings
from hypothesis import strategies as st

import nas
from nas.core.brackets import hyperband
from nas.core.ranking import Outcome, outcome
from nas.core.types import Result, Status, order_of
from nas.engine.watchers import View
from tests.fakes import (
    FATES,
    blind_staircase,
    climb,
    climb_and_sleep,
    fates,
    hills,
    look_up,
    meet_fate,
    params,
    python,
    sleep_forever,
    slow_climb,
    staircase,
)
from tests.processes import PATIENCE, growing, wait_for_lines

SMALL: dict[str, Any] = {"max_epochs": 12, "min_epochs": 3, "offspring": 4, "population": 6}


def history(folder: Path) -> bytes:
    return (folder / "history.jsonl").read_bytes()


def rungs(trials: list[Result]) -> dict[tuple[str, int], list[Result]]:
    """Return the results by bracket ("g0.b1") and epochs."""
    grouped = defaultdict(list)
    for result in trials:
        grouped[result.job.trial.id.rpartition(".")[0], result.epochs].append(result)
    return grouped


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> nas.Run:
    """A search of some brackets, under a cheap and an expensive constraint."""
    return nas.search(
        hills(),
        climb,
        measure={"params": params},
        constraints=["params<=500", "precision>=0.001"],
        max_total_epochs=1000,
        run_dir=tmp_path_factory.mktemp("run") / "a",
        **SMALL,
    )


# Budgets and limits


def test_a_thousand_full_trainings_of_a_table_take_seconds() -> None:
    began = time.process_time()
    found = nas.search(hills(), look_up, budget="full", max_trials=1000)
    assert time.process_time() - began < 30
    assert len(found.trials) == 1000
    assert {(result.job.start, result.epochs) for result in found.trials} == {(0, 50)}
    assert found.best is not None
    assert found.best.metrics["accuracy"] == max(result.metrics["accuracy"] for result in found.trials)


@settings(max_examples=30)
@given(
    st.sampled_from(["evolution", "random"]),
    st.sampled_from(["halving", "hyperband", "full"]),
    st.none() | st.integers(1, 80),
    st.integers(1, 600),
    st.integers(2, 4),
    st.booleans(),
)
def test_limits_are_never_exceeded_and_nearly_used(
    strategy: str, budget: str, max_trials: int | None, max_total_epochs: int, eta: int, fails: bool
) -> None:
    found = nas.search(
        fates("fine", "raise") if fails else hills(),
        meet_fate if fails else look_up,
        strategy=strategy,
        budget=budget,
        eta=eta,
        max_trials=max_trials,
        max_total_epochs=max_total_epochs,
        **SMALL,
    )
    trials = {result.job.trial.id for result in found.trials}
    planned = 12 * sum(1 for result in found.trials if result.epochs == 12)
    assert len(trials) <= (max_trials or math.inf)
    assert planned <= found.total_epochs <= max_total_epochs
    assert len(trials) == max_trials or max_total_epochs - found.total_epochs < 12
    assert found.stopped == "limit on trials or epochs"


def test_the_first_generation_goes_through_the_published_brackets() -> None:
    found = nas.search(hills(), climb, budget="hyperband", max_total_epochs=200, **SMALL)
    trained = rungs(found.trials)
    for i, bracket in enumerate(hyperband(12, 3, 2)):
        assert [len(trained[f"g0.b{i}", rung.epochs]) for rung in bracket] == [rung.trials for rung in bracket]


def test_halving_goes_through_the_most_aggressive_bracket_only(run: nas.Run) -> None:
    trained, (bracket, *_) = rungs(run.trials), hyperband(12, 3, 2)
    for i in range(SMALL["offspring"]):
        assert [len(trained[f"g0.b{i}", rung.epochs]) for rung in bracket] == [rung.trials for rung in bracket]
    assert sum(name.startswith("g0.") for name, epochs in trained if epochs == 12) == SMALL["offspring"]


# Survivors


def test_a_survivor_is_never_worse_than_a_dropped_trial(run: nas.Run) -> None:
    trained = rungs(run.trials)
    compared = 0
    for (bracket, epochs), results in trained.items():
        later = {r.job.trial.id for (b, e), rs in trained.items() if b == bracket and e > epochs for r in rs}
        survivors = [r.score for r in results if r.job.trial.id in later]
        dropped = [r.score for r in results if r.job.trial.id not in later]
        if survivors and dropped:
            assert min(survivors) >= max(dropped)
            compared += 1
    assert compared > 10


def test_twins_of_earlier_trials_go_on_only_where_there_are_too_few_others() -> None:
    """Of `staircase` only the stair on which x stands matters, so most configurations are twins."""
    space = ConfigurationSpace({"x": (0.0, 30.0), "idle": (0.0, 1.0)})
    found = nas.search(space, staircase, max_total_epochs=600, **{**SMALL, "offspring": 1})  # one bracket at a time
    trained, earlier, told_apart = rungs(found.trials), set[Outcome](), 0
    for name, results in groupby(found.trials, lambda result: result.job.trial.id.rpartition(".")[0]):
        for (bracket, epochs), here in trained.items():
            if bracket == name and epochs < 12:
                later = {r.job.trial.id for (b, e), rs in trained.items() if b == bracket and e > epochs for r in rs}
                promoted = [outcome(r) for r in here if r.job.trial.id in later]
                dropped = [outcome(r) for r in here if r.job.trial.id not in later]
                twins = len(promoted) > len(set(promoted) - earlier)
                assert not twins or set(dropped) <= earlier | set(promoted)
                told_apart += not twins and bool(set(dropped) & (earlier | set(promoted)))
        earlier |= {outcome(result) for result in results}
    assert told_apart > 5


def test_survivors_go_on_from_the_state_they_left(run: nas.Run) -> None:
    assert {result.status for result in run.trials} == {Status.OK}  # `climb` crashes on any other state
    jobs = defaultdict(list)
    for result in run.trials:
        jobs[result.job.trial.id].append(result.job)
    for steps in jobs.values():
        assert steps[0].start == 0
        assert all(before.stop == after.start for before, after in pairwise(steps))
    assert max(map(len, jobs.values())) == 3


def test_failed_trials_are_never_promoted() -> None:
    found = nas.search(fates("fine", "raise"), meet_fate, max_trials=40, **SMALL)
    assert sum(result.status is Status.CRASHED for result in found.trials) > 5
    assert all(result.status is Status.OK for result in found.trials if result.job.start > 0)
    failed = {r.job.trial.id for r in found.trials if r.status is not Status.OK}
    assert not any(r.job.trial.id in failed for r in found.trials if r.status is Status.OK)


def test_checkpoints_of_dropped_trials_are_gone_during_the_run_and_all_at_its_end(tmp_path: Path) -> None:
    seen: list[tuple[str, int, set[str]]] = []

    def watched(config: dict[str, Any], *, epochs: int, checkpoint: Path, **rest: Any) -> dict[str, Any]:
        bracket = checkpoint.parents[1].name.rpartition(".")[0]
        alive = {path.name for path in checkpoint.parents[2].iterdir()}
        seen.append((bracket, epochs, {trial for trial in alive if trial.startswith(f"{bracket}.")}))
        return climb(config, epochs=epochs, checkpoint=checkpoint, **rest)

    found = nas.search(hills(), watched, max_trials=40, run_dir=tmp_path, **SMALL)
    assert {result.status for result in found.trials} == {Status.OK}
    trained = rungs(found.trials)
    for bracket, epochs, alive in seen:
        assert alive <= {result.job.trial.id for result in trained[bracket, epochs]}
    assert max(len(alive) for _, _, alive in seen) > 1
    assert {path.name for path in tmp_path.iterdir()} == {
        "spec.json", "journal.jsonl", "history.jsonl", "redraws.jsonl", "end.json",
    }  # fmt: skip


# Evolution


def test_only_fully_trained_offspring_become_parents(run: nas.Run) -> None:
    trained = {(result.job.trial.id, result.epochs) for result in run.trials}
    children = [result.job.trial for result in run.trials if result.job.trial.parents]
    assert {child.operator for child in children} == {"mutate", "recombine"}
    for child in children:
        for parent in child.parents:
            assert (parent, 12) in trained
            assert order_of(parent) < child.order


def test_no_configuration_is_tried_twice(run: nas.Run) -> None:
    started = [result.job.trial.config.id for result in run.trials if result.job.start == 0]
    assert len(started) == len(set(started)) > 100


def test_evolution_finds_better_than_random() -> None:
    limits: dict[str, Any] = {"budget": "full", "max_trials": 200, "max_epochs": 12}
    means = {}
    for strategy in ("evolution", "random"):
        found = [nas.search(hills(), look_up, strategy=strategy, seed=seed, **limits).best for seed in range(3)]
        means[strategy] = sum(best.metrics["accuracy"] for best in found if best)
    assert means["evolution"] > means["random"]


def test_a_space_of_5_configurations_ends_by_itself() -> None:
    space = ConfigurationSpace({"x": [0.1, 0.2, 0.3, 0.4, 0.5], "fate": ["fine"]})
    found = nas.search(space, meet_fate, max_trials=1000)
    assert sorted(str(result.config["x"]) for result in found.trials if result.job.start == 0) == [
        "0.1", "0.2", "0.3", "0.4", "0.5",
    ]  # fmt: skip
    assert found.stopped == "nothing left to try"
    assert found.best is not None
    assert found.best.config["x"] == 0.5


def test_what_the_space_forbids_is_never_trained() -> None:
    space = fates("fine", "raise")
    space.add(ForbiddenEqualsClause(space["fate"], "raise"))
    found = nas.search(space, meet_fate, max_trials=40, **SMALL)
    assert {result.config["fate"] for result in found.trials} == {"fine"}
    assert found.redraws["forbidden by the space"] > 0


def rare() -> ConfigurationSpace:
    """Return a space of a million configurations, of which the ten with a and b at 0 and c below 10 are legal."""
    space = ConfigurationSpace()
    space.add(*(Integer(name, (0, 99), default=0) for name in "abc"))
    space.add(
        *(
            ForbiddenInClause(space[name], list(range(least, 100)))
            for name, least in zip("abc", (1, 1, 10), strict=True)
        )
    )
    return space


def test_ten_legal_configurations_of_a_million_are_found() -> None:
    found = nas.search(rare(), lambda config, **job: {"accuracy": config["c"]}, max_epochs=1, max_trials=12)
    assert sorted(result.config["c"] for result in found.trials) == list(range(10))
    assert found.best and found.best.config == {"a": 0, "b": 0, "c": 9}
    assert found.stopped == "nothing left to try"


def test_where_no_legal_configuration_can_be_trained_it_is_told_how_many_are_legal() -> None:
    bound: dict[str, Any] = {"measure": {"size": lambda config: config["c"] + 100}, "constraints": ["size<=50"]}
    with pytest.raises(nas.UserError, match=r"the space allows 0 of 1000 samples.*meet size<=50.* seen has 100"):
        nas.search(rare(), look_up, max_trials=12, **bound)


def test_the_default_strategy_trains_the_default_configuration_fully() -> None:
    space = hills()
    found = nas.search(space, climb, strategy="default")
    assert [result.epochs for result in found.trials] == [50]
    assert found.trials[0].config == dict(space.get_default_configuration())
    given = {"rate": 0.01, "depth": 1, "optimizer": "adam", "width0": 7}
    assert nas.search(space, climb, strategy="default", default=given).trials[0].config == given


def test_random_search_has_no_parents() -> None:
    found = nas.search(hills(), look_up, strategy="random", max_trials=100, **SMALL)
    assert {(result.job.trial.operator, result.job.trial.parents) for result in found.trials} == {("sample", ())}


def test_minimizing_finds_the_smallest() -> None:
    found = nas.search(hills(), look_up, objective="precision", maximize=False, budget="full", max_trials=100)
    assert found.best is not None
    assert found.best.metrics["precision"] == min(result.metrics["precision"] for result in found.trials)


# Constraints


def test_no_trial_breaks_a_cheap_constraint_and_the_best_is_feasible(run: nas.Run) -> None:
    assert all(result.metrics["params"] == params(result.config) <= 500 for result in run.trials)
    assert run.redraws["params<=500"] > 0
    assert run.best is not None
    assert run.best.feasible
    full = [result for result in run.trials if result.epochs == 12 and result.metrics["precision"] >= 0.001]
    assert run.best.metrics["accuracy"] == max(result.metrics["accuracy"] for result in full)
    assert any(result.metrics["precision"] < 0.001 for result in run.trials)


def test_a_single_function_may_measure_all_cheap_metrics() -> None:
    def measure(config: dict[str, Any]) -> dict[str, float]:
        return {"params": params(config), "layers": config["depth"]}

    found = nas.search(hills(), look_up, measure=measure, constraints=["layers<=2"], max_trials=20, **SMALL)
    assert all(r.config["depth"] == r.metrics["layers"] <= 2 for r in found.trials)
    assert all(r.metrics["params"] == params(r.config) for r in found.trials)


def test_a_cheap_metric_is_measured_only_when_needed() -> None:
    costly: list[dict[str, Any]] = []

    def macs(config: dict[str, Any]) -> float:
        costly.append(config)
        return 1.0

    measure = {"params": params, "macs": macs}
    nas.search(hills(), look_up, measure=measure, constraints=["params<=50", "macs<=2"], max_trials=20, **SMALL)
    assert all(params(config) <= 50 for config in costly)
    assert len(costly) == len({str(config) for config in costly})


@pytest.mark.parametrize("with_forbidden", [False, True])
def test_a_cheap_constraint_that_no_sample_meets_is_told_with_the_nearest_miss(with_forbidden: bool) -> None:
    seen = []

    def measured(config: dict[str, Any]) -> float:
        seen.append(params(config))
        return seen[-1]

    space = hills()
    if with_forbidden:
        space.add(ForbiddenEqualsClause(space["depth"], 3))
    with pytest.raises(nas.UserError, match=r"0 of 1000 samples meet params<=0\.5; the smallest seen has") as refusal:
        nas.search(space, look_up, measure={"params": measured}, constraints=["params<=0.5"], max_trials=10)
    assert float(str(refusal.value).split()[-1]) == min(seen)


def test_a_constraint_that_one_sample_in_thousands_meets_is_refused() -> None:
    seen: list[dict[str, Any]] = []

    def size(config: dict[str, Any]) -> float:
        seen.append(config)
        return float(config != seen[0])

    space = ConfigurationSpace({"x": (0.0, 1.0), "fate": ["fine"]})
    with pytest.raises(nas.UserError, match="0 of 1000 samples meet size<=0"):
        nas.search(space, meet_fate, measure={"size": size}, constraints=["size<=0"], max_trials=100, **SMALL)


def test_a_replay_cut_short_loses_nothing(tmp_path: Path) -> None:
    search = {"max_total_epochs": 200, "run_dir": tmp_path / "run", **SMALL}
    nas.search(hills(), slow_climb, **search)
    before = (tmp_path / "run/history.jsonl").read_bytes()
    again = nas.search(hills(), slow_climb, max_time=1e-3, **search)
    assert (tmp_path / "run/history.jsonl").read_bytes() == before
    assert again.best is not None


def test_a_tracker_that_fails_disturbs_nobody() -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("no connection")

    found = nas.search(hills(), look_up, max_trials=20, trackers=[broken], **SMALL)
    assert len({result.job.trial.id for result in found.trials}) == 20


def test_cheap_constraints_are_checked_in_the_order_of_their_cost() -> None:
    asked: list[float] = []

    def latency(config: dict[str, Any]) -> float:
        asked.append(params(config))
        return 1.0

    measure = {"params": params, "latency": latency}
    nas.search(hills(), look_up, measure=measure, constraints=["latency<=2", "params<=50"], max_trials=20, **SMALL)
    assert asked and max(asked) <= 50


# Arguments


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "no end"),
        ({"max_trials": 5, "constraints": ["precison>=0.3"]}, "unknown metric 'precison'.*accuracy, precision"),
        ({"max_trials": 5, "objective": "acuracy"}, "unknown metric 'acuracy'.*accuracy, precision"),
        ({"max_trials": 5, "constraints": ["precision=>0.39"]}, 'constraint "precision=>0.39" is not of the form'),
        ({"max_trials": 5, "strategy": "magic"}, "'magic'.*default, evolution, random"),
        ({"max_trials": 5, "budget": "half"}, "'half'.*asha, full, halving, hyperband"),
        ({"max_trials": 0}, "max trials is 0"),
        ({"max_trials": 5, "mutation_rate": 1.5}, "mutation rate is 1.5"),
        ({"max_trials": 5, "max_epochs": 3, "min_epochs": 5}, "min epochs 5"),
        ({"max_trials": 5, "eta": 1}, "eta is 1, but must be at least 2"),
        ({"max_trials": 5, "workers": -1}, "workers is -1"),
        ({"max_time": "soon"}, "'soon' is not a time"),
        ({"max_time": True}, "max_time is True"),
        ({"max_trials": float("nan")}, "max trials is nan"),
        ({"max_trials": True}, "max trials is True"),
        ({"max_trials": 5, "eta": 2.5}, "eta is 2.5"),
        ({"max_trials": 5, "seed": 1.5}, "seed is 1.5"),
        ({"max_trials": 5, "seed": 0.5}, "seed is 0.5"),
        ({"max_trials": 5, "seed": True}, "seed is True"),
        ({"max_trials": 5, "mutation_rate": math.nan}, "mutation rate is nan"),
        ({"max_trials": 5, "maximize": "no"}, "maximize is 'no'"),
        ({"max_trials": 5, "objective": "val/loss"}, "val/loss is maximised.*maximize=False"),
        ({"max_trials": 5, "workers": None}, "workers is None"),
        ({"max_trials": 5, "lanes": 0}, "lanes is 0"),
        ({"max_trials": 5, "gpus": "0,1"}, "gpus is '0,1'"),
        ({"max_trials": 5, "trackers": print}, "trackers is <built-in function print>"),
        ({"max_trials": 5, "run_dir": 3}, "run_dir is 3"),
        ({"max_trials": 5, "measure": {"params": 3}}, r"measure\['params'\] is 3"),
        ({"max_trials": 5, "measure": lambda config: 3}, "measure returned int"),
        ({"max_trials": 5, "constraints": [("precision", ">=", 0.3)]}, "each must be a Constraint"),
    ],
)
def test_arguments_without_sense_are_told(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(nas.UserError, match=told):
        nas.search(hills(), look_up, **arguments)


def test_a_trainer_that_cannot_be_sent_to_workers_is_told_before_the_search() -> None:
    lock = threading.Lock()
    with pytest.raises(nas.UserError, match=r"^train cannot be sent to workers \(.*lock.*\): .*workers=0$"):
        nas.search(hills(), lambda config, **job: {"accuracy": lock}, max_trials=5, workers=1)


@pytest.mark.parametrize(("space", "told"), [({"x": (0, 1)}, "ConfigurationSpace"), (None, "space is None")])
def test_what_is_no_space_is_told(space: Any, told: str) -> None:
    with pytest.raises(nas.UserError, match=told):
        nas.search(space, look_up, max_trials=5)


def test_a_single_epoch_needs_no_other_argument() -> None:
    found = nas.search(hills(), look_up, max_epochs=1, max_trials=np.int64(5), seed=np.int32(3))
    assert [result.epochs for result in found.trials] == [1] * 5
    assert (found.spec.seed, type(found.spec.seed), type(found.spec.max_trials)) == (3, int, int)


@pytest.mark.parametrize("measure", [{"precision": params}, lambda config: {"precision": params(config)}])
def test_one_name_for_a_measured_and_a_trained_metric_is_told_at_the_first_trial(measure: Any) -> None:
    calls = []

    def counted(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        calls.append(config)
        return look_up(config, **job)

    with pytest.raises(nas.UserError, match=r"measure and train both return 'precision'.*rename one"):
        nas.search(hills(), counted, measure=measure, max_trials=50)
    assert len(calls) == 1


def picky(config: dict[str, Any]) -> dict[str, float]:
    """Measure all but the deepest, to which the default of the space may belong."""
    if config["depth"] != 1:
        raise RuntimeError(f"no room for depth {config['depth']}")
    return {"params": params(config)}


@pytest.mark.parametrize("measure", [picky, {"params": lambda config: picky(config)["params"]}])
def test_what_cannot_be_measured_is_passed_over(measure: Any) -> None:
    found = nas.search(hills(), look_up, measure=measure, max_trials=20, **SMALL)
    assert {result.config["depth"] for result in found.trials} == {1}
    assert len({result.job.trial.id for result in found.trials}) == 20
    assert found.redraws["a network that cannot be built"] > 5


def test_a_trainer_in_a_module_that_workers_lack_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ghost = types.ModuleType("ghost")
    exec("def train(config, **job):\n    return {'accuracy': 1.0}", ghost.__dict__)
    monkeypatch.setitem(sys.modules, "ghost", ghost)
    with pytest.raises(nas.UserError, match=r"the workers cannot import train.*No module named 'ghost'"):
        nas.search(hills(), ghost.train, max_trials=5, workers=1)


def test_choices_that_json_cannot_give_back_are_told() -> None:
    with pytest.raises(nas.UserError, match=r"kernel has the choice \[3, 3\], which cannot be written down"):
        nas.search(ConfigurationSpace({"kernel": [[3, 3], [5, 5]]}), climb, max_trials=1)


def test_a_trainer_that_returns_a_book_is_told(tmp_path: Path) -> None:
    def verbose(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        return {"accuracy": 1.0, "notes": "x" * (1 << 21)}

    found = nas.search(hills(), verbose, max_trials=1, run_dir=tmp_path, **SMALL)
    assert {result.status for result in found.trials} == {Status.CRASHED}
    assert "write files for more" in found.trials[0].error


def test_an_error_of_the_measure_that_looks_like_a_timeout_is_no_time_limit() -> None:
    def late(config: dict[str, Any]) -> float:
        raise TimeoutError("the scale does not answer")

    with pytest.raises(TimeoutError):
        nas.search(hills(), climb, measure={"params": late}, constraints=["params<=5"], max_trials=5)


def test_an_unknown_metric_is_told_after_a_single_training() -> None:
    calls = []

    def counted(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        calls.append(config)
        return look_up(config, **job)

    with pytest.raises(nas.UserError, match="unknown metric"):
        nas.search(hills(), counted, constraints=["precison>=0.3"], max_trials=50)
    assert len(calls) == 1


# Failures


def test_failures_have_a_status_and_neither_end_the_search_nor_win() -> None:
    found = nas.search(fates(*FATES), meet_fate, max_trials=60, **SMALL)
    statuses = defaultdict(set)
    for result in found.trials:
        statuses[result.config["fate"]].add(result.status)
    assert statuses == {
        "fine": {Status.OK},
        "raise": {Status.CRASHED},
        "diverge": {Status.DIVERGED},
        "nan": {Status.DIVERGED},
        "memory": {Status.OOM},
        "nothing": {Status.CRASHED},
        "object": {Status.CRASHED},
        "arrays": {Status.CRASHED},
    }
    assert found.stopped == "limit on trials or epochs"
    assert found.best is not None
    assert found.best.config["fate"] == "fine"
    assert all(result.error for result in found.trials if result.status is not Status.OK)


def test_when_all_fail_nothing_is_best() -> None:
    found = nas.search(fates("raise", "nan"), meet_fate, max_trials=30, **SMALL)
    assert len({result.job.trial.id for result in found.trials}) == 30
    assert found.best is None


def test_a_worker_that_kills_itself_costs_only_its_trial() -> None:
    found = nas.search(fates("fine", "fine2", "kill"), meet_fate, max_trials=8, workers=2, seed=1, **SMALL)
    killed = [result for result in found.trials if result.config["fate"] == "kill"]
    assert len(killed) >= 1
    assert {result.status for result in killed} == {Status.CRASHED}
    assert all(result.status is Status.OK for result in found.trials if result not in killed)
    assert len({result.job.trial.id for result in found.trials}) == 8


# The same history, always


def test_equal_runs_have_equal_histories_however_many_workers(tmp_path: Path) -> None:
    for name, workers in (("a", 0), ("b", 0), ("one", 1), ("three", 3)):
        nas.search(hills(), climb, max_trials=30, workers=workers, run_dir=tmp_path / name, **SMALL)
    assert len(history(tmp_path / "a").splitlines()) > 30
    assert {history(tmp_path / name) for name in ("b", "one", "three")} == {history(tmp_path / "a")}
    nas.search(hills(), climb, max_trials=30, seed=1, run_dir=tmp_path / "other", **SMALL)
    assert history(tmp_path / "other") != history(tmp_path / "a")


def test_twins_are_the_same_wherever_they_were_trained_and_read_from(tmp_path: Path) -> None:
    space = ConfigurationSpace({"x": (0.0, 30.0), "idle": (0.0, 1.0)})
    for name, workers in (("here", 0), ("there", 1), ("there", 0)):
        nas.search(space, blind_staircase, max_total_epochs=300, workers=workers, run_dir=tmp_path / name, **SMALL)
    assert history(tmp_path / "here") == history(tmp_path / "there")


def test_a_finished_run_is_read_not_trained_again(run: nas.Run) -> None:
    assert run.run_dir is not None
    before = history(run.run_dir)
    again = nas.search(
        hills(),
        sleep_forever,
        measure={"params": params},
        constraints=["params<=500", "precision>=0.001"],
        max_total_epochs=1000,
        run_dir=run.run_dir,
        **SMALL,
    )
    assert history(run.run_dir) == before
    assert again.best == run.best
    assert [result.score for result in again.trials] == [result.score for result in run.trials]


SLOW = """
import sys
import nas
from tests.fakes import halting, hills, slow_climb
train = halting(int(sys.argv[4])) if sys.argv[4:] else slow_climb
run = nas.search(hills(), train, max_trials=int(sys.argv[3]), workers=int(sys.argv[2]), run_dir=sys.argv[1],
                 max_epochs=12, min_epochs=3, offspring=4, population=6)
print(run.stopped, len(run.trials))
"""


@pytest.mark.parametrize(("lines", "workers"), [(1, 0), (11, 0), (25, 0), (9, 2)])
def test_a_killed_run_goes_on_to_the_history_of_an_uninterrupted_one(tmp_path: Path, lines: int, workers: int) -> None:
    process = python(SLOW, tmp_path / "killed", workers, 30, lines)
    wait_for_lines(tmp_path / "killed" / "journal.jsonl", lines, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "killed" / "history.jsonl").exists()
    calls = 0

    def counted(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        return climb(config, **job)

    resumed = nas.search(hills(), counted, max_trials=30, run_dir=tmp_path / "killed", **SMALL)
    nas.search(hills(), climb, max_trials=30, run_dir=tmp_path / "whole", **SMALL)
    assert history(tmp_path / "killed") == history(tmp_path / "whole")
    assert calls <= len(resumed.trials) - lines
    assert not (tmp_path / "killed" / "checkpoints").exists()


@settings(max_examples=15)
@given(st.floats(0, 1))
def test_a_run_goes_on_from_a_journal_cut_anywhere_even_without_its_checkpoints(cut: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder)
        nas.search(hills(), climb, max_trials=15, run_dir=run_dir, **SMALL)
        whole, journal = history(run_dir), run_dir / "journal.jsonl"
        journal.write_bytes(journal.read_bytes()[: int(cut * journal.stat().st_size)])
        (run_dir / "history.jsonl").unlink()
        found = nas.search(hills(), climb, max_trials=15, run_dir=run_dir, **SMALL)
        assert {result.status for result in found.trials} == {Status.OK}
        assert history(run_dir) == whole


def test_a_folder_with_another_run_is_refused_and_left_alone(tmp_path: Path) -> None:
    nas.search(hills(), climb, max_trials=10, run_dir=tmp_path, **SMALL)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(nas.UserError, match="seed 0, now 1"):
        nas.search(hills(), climb, max_trials=10, seed=1, run_dir=tmp_path, **SMALL)
    with pytest.raises(nas.UserError, match="another space"):
        nas.search(fates("fine"), meet_fate, max_trials=10, run_dir=tmp_path, **SMALL)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_without_a_run_folder_no_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    used = set()

    def watched(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        used.add(job["checkpoint"].parents[2])
        return climb(config, **job)

    found = nas.search(hills(), watched, max_trials=20, **SMALL)
    assert {result.status for result in found.trials} == {Status.OK}
    assert len(used) == 1
    assert tmp_path in used.pop().parents
    assert list(tmp_path.iterdir()) == []


def test_trackers_are_told_each_result_as_it_is_committed(tmp_path: Path) -> None:
    told: list[Result] = []

    def tracker(lab: View, result: Result) -> None:
        told.append(result)
        assert (tmp_path / "journal.jsonl").read_bytes().count(b"\n") == len(told)

    found = nas.search(hills(), climb, max_trials=20, run_dir=tmp_path, trackers=[tracker], **SMALL)
    assert {result.job.key for result in told} == {result.job.key for result in found.trials}
    assert len(told) == len(found.trials)


# Time and Ctrl-C


@pytest.mark.parametrize("workers", [0, 1])
def test_the_time_limit_ends_a_trainer_that_sleeps_forever(workers: int, caplog: pytest.LogCaptureFixture) -> None:
    began = time.monotonic()
    found = nas.search(hills(), sleep_forever, max_time=1, workers=workers)
    assert 1 <= time.monotonic() - began < PATIENCE
    assert found.stopped == "time limit"
    assert found.trials == []
    assert caplog.records == []


def test_the_time_limit_keeps_what_was_trained() -> None:
    for limit in growing(0.3):
        found = nas.search(hills(), climb_and_sleep(25), max_time=f"{limit}s", **SMALL)
        assert found.stopped == "time limit"
        if len(found.trials) == 25:
            break
    assert found.best is not None


@pytest.mark.parametrize("workers", [0, 2])
def test_ctrl_c_ends_the_search_with_the_run_so_far(tmp_path: Path, workers: int) -> None:
    process = python(SLOW, tmp_path, workers, 10_000)
    wait_for_lines(tmp_path / "journal.jsonl", 5, process)
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    stopped, count = output.split()
    assert stopped == "interrupted"
    assert errors == ""
    assert int(count) >= 5
    assert len(history(tmp_path).splitlines()) == int(count)


NOTEBOOK = """
import asyncio, sys
import nas
from tests.fakes import hills, slow_climb
async def cell():
    run = nas.search(hills(), slow_climb, max_trials=10_000, run_dir=sys.argv[1])
    print(run.stopped)
asyncio.new_event_loop().run_until_complete(cell())
"""


def test_ctrl_c_ends_the_search_of_a_notebook_too(tmp_path: Path) -> None:
    process = python(NOTEBOOK, tmp_path)
    wait_for_lines(tmp_path / "journal.jsonl", 5, process)
    os.killpg(process.pid, signal.SIGINT)
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert output.strip() == "interrupted", errors


def test_a_search_works_inside_a_running_event_loop() -> None:
    async def cell() -> nas.Run:
        return nas.search(hills(), climb, max_trials=20, **SMALL)

    inside, outside = asyncio.run(cell()), nas.search(hills(), climb, max_trials=20, **SMALL)
    assert [result.score for result in inside.trials] == [result.score for result in outside.trials]


def test_an_error_of_the_measure_is_the_same_inside_an_event_loop_and_outside() -> None:
    def broken(config: dict[str, Any]) -> float:
        raise RuntimeError("the scale is broken")

    def search() -> None:
        nas.search(hills(), climb, measure={"params": broken}, constraints=["params<=5"], max_trials=20, **SMALL)

    async def cell() -> None:
        search()

    with pytest.raises(RuntimeError, match="the scale is broken"):
        search()
    with pytest.raises(RuntimeError, match="the scale is broken"):
        asyncio.run(cell())

"""ASHA decides in virtual time: the same history for any number of workers, promotions as published."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nas
from nas.core.types import Config, Job, Result, Score, Status, Trial
from nas.engine.executors.inline import Inline
from nas.strategies.schedulers.asha import Ladder
from tests.fakes import climb, climb_and_sleep, hills, params
from tests.faults.runs import history
from tests.processes import growing

ASHA: dict[str, Any] = {"budget": "asha", "max_epochs": 27, "min_epochs": 1, "eta": 3, "population": 6, "lanes": 4}


def run(train: Any = climb, **changes: Any) -> nas.Run:
    return nas.search(hills(), train, measure={"macs": params}, **{**ASHA, "max_total_epochs": 400, **changes})


@pytest.mark.parametrize("strategy", ["evolution", "random"])
def test_any_number_of_workers_gives_the_same_history(tmp_path: Path, strategy: str) -> None:
    for workers in (0, 1, 3):
        run(workers=workers, run_dir=tmp_path / str(workers), strategy=strategy)
    assert history(tmp_path / "0") == history(tmp_path / "1") == history(tmp_path / "3")
    assert len(history(tmp_path / "0").splitlines()) > 50


def test_the_number_of_lanes_is_part_of_what_is_asked(tmp_path: Path) -> None:
    for lanes in (1, 8):
        run(lanes=lanes, run_dir=tmp_path / str(lanes))
    assert history(tmp_path / "1") != history(tmp_path / "8")
    with pytest.raises(nas.UserError, match="lanes 1, now 8"):
        run(lanes=8, run_dir=tmp_path / "1")


def test_limits_are_never_exceeded_and_nearly_used() -> None:
    found = run(max_total_epochs=100)
    assert 95 <= found.total_epochs <= 100
    found = run(max_total_epochs=None, max_trials=20)
    assert len({result.job.trial.id for result in found.trials}) == 20
    assert found.stopped == "limit on trials or epochs"


@pytest.mark.parametrize("trials", [1, 2, 5])
@pytest.mark.parametrize("strategy", ["evolution", "random"])
def test_few_trials_end_with_the_best_fully_trained(strategy: str, trials: int) -> None:
    found = run(strategy=strategy, max_total_epochs=None, max_trials=trials)
    assert found.best and found.best.epochs == 27
    assert [result.epochs for result in found.trials if result.job.trial.id == found.best.job.trial.id] == [1, 3, 9, 27]
    assert len({result.job.trial.id for result in found.trials}) == trials


def test_what_the_limits_cannot_pay_to_the_top_is_not_begun() -> None:
    found = run(max_total_epochs=26)
    assert max(result.epochs for result in found.trials) < 27


def test_about_one_in_eta_climbs_each_rung_and_survivors_go_on_from_their_state() -> None:
    found = run(strategy="random")  # climb itself insists on the state it left
    assert {result.status for result in found.trials} == {Status.OK}
    stood = Counter(result.epochs for result in found.trials)
    assert sorted(stood) == [1, 3, 9, 27]
    for rung, above in ((1, 3), (3, 9), (9, 27)):
        assert stood[rung] // 3 - 2 <= stood[above] <= stood[rung] // 3 + 2 * stood[rung] ** 0.5
    assert {(result.job.start, result.epochs) for result in found.trials} == {(0, 1), (1, 3), (3, 9), (9, 27)}


def test_evolution_is_steady_state() -> None:
    """A child is bred whenever a lane frees: with as many generations as trials, from parents fully trained by then."""
    found = run(max_total_epochs=600)
    trained = {result.job.trial.id for result in found.trials if result.epochs == 27}
    children = {result.job.trial for result in found.trials if result.job.trial.parents}
    assert len(children) > 10
    assert {parent for child in children for parent in child.parents} <= trained
    generations = {result.job.trial.id.split(".")[0] for result in found.trials}
    assert len(generations) == len({result.job.trial.id for result in found.trials})


def test_evolution_under_asha_finds_better_than_random() -> None:
    def mean(strategy: str) -> float:
        best = [run(strategy=strategy, seed=seed, max_total_epochs=800).best for seed in range(4)]
        return sum(result.metrics["accuracy"] for result in best if result) / 4

    assert mean("evolution") > mean("random")


def test_an_interrupted_run_goes_on_to_the_same_history(tmp_path: Path) -> None:
    run(run_dir=tmp_path / "whole")
    for limit in growing(0.5):
        part = run(climb_and_sleep(12), run_dir=tmp_path / "part", max_time=limit)
        assert part.stopped == "time limit"
        if part.trials:
            break
    run(run_dir=tmp_path / "part")
    assert history(tmp_path / "part") == history(tmp_path / "whole")


class Crowd(Inline):
    """Has room for everybody, and counts how many are in."""

    slots, now, most = 100, 0, 0

    async def run(self, job: Job, states: Any) -> Result:
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(20):
            await asyncio.sleep(0)
        self.now -= 1
        return await super().run(job, states)


@pytest.mark.parametrize("lanes", [1, 4, 7])
def test_as_many_trials_train_at_a_time_as_there_are_lanes(monkeypatch: pytest.MonkeyPatch, lanes: int) -> None:
    crowd = Crowd(climb)
    monkeypatch.setattr("nas.asked.Machine.executor", lambda *_: crowd)
    run(lanes=lanes)
    assert crowd.most == lanes


scores = st.builds(Score, st.sampled_from([0.0, -0.5]), st.floats(0, 1) | st.sampled_from([0.2, 0.4]))
arrivals = st.lists(st.tuples(scores, st.sampled_from([Status.OK, Status.OK, Status.OOM])), max_size=60)


@given(arrivals, st.integers(2, 5))
def test_only_the_best_of_a_rung_climb(results: list[tuple[Score, Status]], eta: int) -> None:
    """Who climbs is, at that moment, the best waiting, and among the best 1/eta of all that stood on the rung.

    Twins of who stood there before are worse than all others.
    """
    ladder, stood, promoted = Ladder((1, eta), eta), list[tuple[bool, Score, int]](), set[int]()
    for number, (score, status) in enumerate(results):
        trial = Trial(f"g{number}.b0.0", Config(()), 0)
        metrics = {"accuracy": score.objective, "violation": score.feasibility}
        ladder.place(Result(Job(trial, 0, 1), status, metrics, score=score))
        if status is Status.OK:
            stood.append((all(score != other for _, other, _ in stood), score, -number))
        job = ladder.promote(float("inf"))
        ranked = [-place for *_, place in sorted(stood, reverse=True)]
        may = [place for place in ranked[: (number + 1) // eta] if place not in promoted]
        assert (int(job.trial.id.split(".")[0][1:]) if job else None) == (may[0] if may else None)
        if job:
            promoted.add(may[0])
        assert ladder.promote(0.5 * (eta - 1)) is None  # what cannot be paid for is not promised

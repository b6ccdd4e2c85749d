"""Brackets run in lanes: what ends first in virtual time is learned first, whoever trains and however fast."""

import asyncio
import heapq
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nas
from benchmarks.virtual import VirtualWorkers
from nas.core.seeds import generator
from nas.core.types import Job, Result, Trial
from nas.strategies.breeding.children import Stock, breed
from nas.strategies.lab import Lab
from nas.strategies.virtual import Lane, Lanes
from tests.fakes import fates, hill, hills, look_up, meet_fate, params

SMALL: dict[str, Any] = {
    "max_epochs": 9, "min_epochs": 1, "eta": 3, "measure": {"macs": params}, "max_total_epochs": 300, "verbose": False,
}  # fmt: skip


def search(workers: int = 0, luck: int = 0, train: Any = look_up, metrics: Any = hill, **asked: Any) -> nas.Run:
    """Search, by `workers` of which each needs for a job what comes by `luck`; in this process without any."""

    def seconds(job: Job) -> float:
        return float(generator(luck, *job.key).uniform(0.1, 10))

    pool = VirtualWorkers(workers, lambda config, epochs: metrics(dict(config), epochs), seconds)
    with mock.patch("nas.asked.Machine.executor", lambda *_: pool) if workers else mock.MagicMock():
        return nas.search(hills(), train, workers=0, **{**SMALL, **asked})


def steps(config: dict[str, Any], epochs: int, **job: Any) -> dict[str, float]:
    """Return what hangs on two hyperparameters alone, and in steps: most configurations are twins of others."""
    return {"accuracy": config["depth"] * epochs / (1.0 + int(config["rate"] * 20)), "precision": 1.0}


def magnitude(config: dict[str, Any]) -> float:
    return float(10 ** len(str(int(params(config)))))


# In virtual time


@given(st.lists(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=4), max_size=12), st.integers(1, 4))
def test_works_end_in_the_order_of_virtual_time_however_long_they_really_take(
    works: list[list[tuple[int, int]]], most: int
) -> None:
    """Each work has steps of so much virtual time, and really takes so many turns of the event loop."""

    async def work(number: int, lane: Lane) -> int:
        for virtual, real in works[number]:
            lane.takes(virtual)
            for _ in range(real):
                await asyncio.sleep(0)
        return number

    async def run() -> list[int]:
        lanes, ended, begun = Lanes[int](), list[int](), 0
        while begun < len(works) or lanes:
            while begun < len(works) and len(lanes) < most:
                lanes.begin(lambda lane, number=begun: work(number, lane))  # type: ignore[misc]
                begun += 1
            ended.append(await lanes.first())
        return ended

    costs = [sum(virtual for virtual, _ in steps) for steps in works]
    assert asyncio.run(run()) == [number for _, number in in_order(costs, most)]


def in_order(costs: Sequence[float], most: int) -> list[tuple[float, int]]:
    """Return when works of such costs end and which they are, in order, with so many at a time."""
    now, running, ended = 0.0, list[tuple[float, int]](), list[tuple[float, int]]()
    for number, cost in enumerate(costs):
        if len(running) == most:
            ended.append(heapq.heappop(running))
            now, _ = ended[-1]
        heapq.heappush(running, (now + cost, number))
    return ended + sorted(running)


def test_a_failure_is_raised_though_what_is_first_never_ends_and_nothing_is_left_behind() -> None:
    async def hang(lane: Lane) -> None:
        lane.takes(1)
        try:
            await asyncio.Event().wait()
        finally:
            left.append("hang")

    async def fail(lane: Lane) -> None:
        lane.takes(100)
        raise ZeroDivisionError

    async def run() -> None:
        lanes = Lanes[None]()
        lanes.begin(hang)
        lanes.begin(fail)
        with pytest.raises(ZeroDivisionError):
            await lanes.first()
        with pytest.raises(ZeroDivisionError):
            lanes.begin(hang)
        await lanes.close()
        assert len(asyncio.all_tasks()) == 1

    left = list[str]()
    asyncio.run(run())
    assert left == ["hang"]


# Brackets


@settings(max_examples=10)
@given(
    st.sampled_from(["halving", "hyperband", "full"]),
    st.sampled_from([{"strategy": "random"}, {"model": "none"}, {"model": "forest"}]),
    st.integers(1, 5),
    st.integers(0, 99),
)
def test_any_number_of_workers_of_any_speed_gives_the_same_history_twins_or_not(
    scheduler: str, strategy: dict[str, str], offspring: int, luck: int
) -> None:
    asked: dict[str, Any] = {**strategy, "scheduler": scheduler, "offspring": offspring, "max_total_epochs": 150}
    asked |= {"measure": {"macs": magnitude}, "metrics": steps}
    alone = [(result.job, result.metrics) for result in search(train=steps, **asked).trials]
    for workers in (1, 2, 3, 5):
        assert [(result.job, result.metrics) for result in search(workers, luck, **asked).trials] == alone


@dataclass
class Witness:
    """Breeds samples, and takes down what was known then."""

    lab: Lab
    offspring: int
    known: list[Result] = field(default_factory=list)
    selected: list[Result] = field(default_factory=list)
    bred: list[tuple[list[Trial], list[Result], list[Result]]] = field(default_factory=list)

    def learn(self, number: int, results: Collection[Result]) -> None:
        assert number == len(self.bred)
        self.known = list(results)

    async def breed(self, count: int, place: str, first: int = 0) -> list[Trial]:
        trials = await breed(self.lab, Stock(), count, place, first)
        self.bred.append((trials, self.known, [*self.selected]))
        return trials

    def select(self, finished: Sequence[Result]) -> None:
        self.selected += finished


@pytest.mark.parametrize("offspring", [1, 3])
@pytest.mark.parametrize("scheduler", ["halving", "full"])
@pytest.mark.parametrize("workers", [0, 3])
def test_a_bracket_is_bred_from_all_that_ended_before_it_in_virtual_time_and_of_nothing_else(
    offspring: int, scheduler: str, workers: int
) -> None:
    witnesses = list[Witness]()

    async def watched(lab: Lab) -> None:
        witnesses.append(Witness(lab, offspring))
        await lab.spec.scheduler.run(lab, witnesses[-1])

    found = search(workers, strategy=watched, scheduler=scheduler)
    (witness,) = witnesses
    came = {bracket: list(results) for bracket, results in groupby(found.trials, _bracket(scheduler))}
    assert len(came) == len(witness.bred) > 8
    costs = [sum(map(_virtual, results)) for results in came.values()]
    ended = [list(came.values())[number] for _, number in in_order(costs, offspring)]
    for number, (trials, known, selected) in enumerate(witness.bred):
        before = ended[: max(0, number - offspring + 1)]
        assert {trial.id for trial in trials} == {result.job.trial.id for result in list(came.values())[number]}
        assert known == [result for results in before for result in results]
        assert [result.job.trial.id for result in selected] == [r.job.trial.id for r in known if r.epochs == 9]


def _bracket(scheduler: str) -> Any:
    """Return what tells the bracket of a result: the whole id of its trial where each is one of its own."""
    return lambda result: result.job.trial.order[: 3 if scheduler == "full" else 2]


def _virtual(result: Result) -> float:
    return (result.job.stop - result.job.start) * dict(result.job.trial.cheap)["macs"]


def test_children_of_full_share_a_place_as_many_as_there_are_lanes() -> None:
    found = search(scheduler="full", offspring=3, max_total_epochs=None, max_trials=7)
    assert [result.job.trial.id for result in found.trials] == [
        "g0.b0.0", "g0.b0.1", "g0.b0.2", "g1.b0.0", "g1.b0.1", "g1.b0.2", "g2.b0.0",
    ]  # fmt: skip


@pytest.mark.parametrize(("offspring", "beside"), [(2, False), (3, True)])
def test_initial_configurations_are_the_first_bracket_and_the_next_trains_beside_it_if_it_may(
    offspring: int, beside: bool
) -> None:
    started = list[str]()

    def noted(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        started.append("initial" if config in initial else "child")
        return look_up(config, **job)

    one: dict[str, Any] = {"depth": 1, "optimizer": "adam", "rate": 0.1}
    initial = [{**one, "width0": width} for width in (3, 4)]
    witnesses = list[Witness]()

    async def watched(lab: Lab) -> None:
        witnesses.append(Witness(lab, offspring))
        await lab.spec.scheduler.run(lab, witnesses[-1])

    found = search(train=noted, strategy=watched, initial=initial)
    assert [(r.job.trial.id, r.epochs) for r in found.trials[:2]] == [("g0.b0.0", 9), ("g0.b0.1", 9)]
    assert started[:2] == ["initial"] * 2 and started.count("initial") == 2
    _, known, _ = witnesses[0].bred[0]
    assert [result.job.trial.operator for result in known] == ([] if beside else ["initial"] * 2)
    assert [result.job.trial.id for result in found.trials][2].startswith("g0.b1.")


def test_brackets_that_fail_altogether_are_followed_by_others_within_the_limits() -> None:
    asked: dict[str, Any] = {"max_epochs": 9, "min_epochs": 1, "eta": 3, "offspring": 2, "verbose": False}
    for limits in ({"max_trials": 40}, {"max_total_epochs": 40}):
        found = nas.search(fates("memory"), meet_fate, **{**asked, **limits})
        assert found.stopped == "limit on trials or epochs"
        assert {result.status for result in found.trials} == {nas.Status.OOM}
        assert len(found.trials) == limits.get("max_trials", found.total_epochs)
        assert found.total_epochs > limits.get("max_total_epochs", 40) - 9


@pytest.mark.parametrize("scheduler", ["halving", "full"])
def test_a_space_with_fewer_configurations_than_a_bracket_has_trials_ends_by_itself(scheduler: str) -> None:
    from ConfigSpace import ConfigurationSpace

    space = ConfigurationSpace({"x": [0.1, 0.2, 0.3], "fate": ["fine"]})
    found = nas.search(space, meet_fate, scheduler=scheduler, offspring=2, max_epochs=9, min_epochs=1, max_trials=99)
    assert len({result.job.trial.id for result in found.trials}) == 3
    assert found.stopped == "nothing left to try" and found.best and found.best.config["x"] == 0.3


def test_a_run_cut_off_between_brackets_goes_on_to_the_same_history(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"scheduler": "hyperband", "offspring": 3, "max_total_epochs": 200}
    search(**asked, run_dir=tmp_path / "whole")
    for count in (5, 20, 21, 40):
        seen = list[Result]()
        stop = lambda result, seen=seen, count=count: seen.append(result) is None and len(seen) == count  # noqa: E731
        search(**asked, run_dir=tmp_path / "part", callbacks=[stop])
    search(**asked, run_dir=tmp_path / "part")
    assert (tmp_path / "part/history.jsonl").read_bytes() == (tmp_path / "whole/history.jsonl").read_bytes()

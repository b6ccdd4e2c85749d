"""The best of a search are trained again, within their share of the limits, and not the luckiest is taken."""

import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace
from hypothesis import given
from hypothesis import strategies as st

import nas
from nas.core.confirmation import Confirmed, Estimate, estimate, incumbent, overtaken
from nas.core.constraints import parse
from nas.core.evidence import Evidence
from nas.core.ranking import scored
from nas.core.seeds import generator
from nas.core.spec import CONFIRMATION
from nas.core.types import REPEAT, Config, Job, Result, Status, Trial
from tests.fakes import hills, look_up
from tests.faults.runs import history, search
from tests.processes import PATIENCE, growing

FULL: dict[str, Any] = {"budget": "full", "max_epochs": 1, "strategy": "random", "offspring": 10}


def flat() -> ConfigurationSpace:
    return ConfigurationSpace({"x": (0.0, 1.0)})


def noisy(config: dict[str, Any], *, seed: int, **job: Any) -> dict[str, Any]:
    """Every configuration is equally good: what differs is luck."""
    return {"accuracy": generator("luck", seed).normal(0.8, 0.02), "precision": 0.5}


def test_what_is_reported_is_what_the_best_reaches_again_and_not_its_luck() -> None:
    """The mean over 20 searches of what the winner had in the search is too high; that of its repetitions is not."""
    lucky, again = [], []
    for seed in range(20):
        run = nas.search(flat(), noisy, max_trials=100, confirm=3, seed=seed, **FULL)
        assert run.best and run.confirmation
        lucky.append(run.best.metrics["accuracy"])
        again.append(run.confirmation.mean["accuracy"])
    assert np.mean(lucky) > 0.83
    assert np.mean(again) == pytest.approx(0.80, abs=4 * 0.02 / math.sqrt(3 * 20) + 0.005)


def test_all_evaluations_decide_and_a_failure_counts_against_a_trial() -> None:
    def moody(config: dict[str, Any], *, seed: int, **job: Any) -> dict[str, Any]:
        return {"accuracy": config["x"]}

    def again(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        if config["x"] > 0.98:
            raise nas.Diverged("this time")
        return {"accuracy": 1 - config["x"]}

    moody.again = again  # type: ignore[attr-defined]
    run = nas.search(flat(), moody, max_trials=100, confirm=4, seed=3, **FULL)
    tried = {result.job.trial.repeats: result for result in run.repetitions}
    best = sorted(run.results, key=lambda result: -result.metrics["accuracy"])[:4]
    assert set(tried) == {r.job.trial.id for r in best}
    fine = [r for r in best if tried[r.job.trial.id].status is Status.OK]
    assert 0 < len(fine) < 4
    assert run.best in fine  # the sum of both is the same for all that did not fail


@given(
    st.integers(1, 5),
    st.integers(1, 60),
    st.integers(1, 400),
    st.sampled_from(["halving", "hyperband", "full", "asha"]),
)
def test_the_repetitions_keep_to_their_share_and_the_run_to_its_limits(
    confirm: int, trials: int, epochs: int, budget: str
) -> None:
    limits = {"max_trials": trials, "max_total_epochs": max(9, epochs)}
    run = nas.search(hills(), look_up, max_epochs=9, min_epochs=1, budget=budget, confirm=confirm, **limits)
    again = run.repetitions
    assert len({result.job.trial.id for result in run.trials}) <= limits["max_trials"]
    assert run.total_epochs <= limits["max_total_epochs"]
    assert len(again) <= CONFIRMATION * limits["max_trials"] + 1e-9
    assert sum(result.epochs for result in again) <= CONFIRMATION * limits["max_total_epochs"] + 1e-9


def test_a_run_that_is_given_more_time_ends_as_if_it_had_had_it_from_the_beginning(tmp_path: Path) -> None:
    """What the first end took for the best and trained again is in the journal, but not in the history."""
    asked: dict[str, Any] = {"train": slow, "max_trials": 60, "confirm": 2}
    search(tmp_path / "whole", **asked)
    for limit in growing(0.7):  # as long as it takes until there is something to confirm
        short = search(tmp_path / "part", max_time=limit, **asked)
        if short.repetitions:
            break
    assert short.stopped == "time limit"
    assert short.repetitions
    long = search(tmp_path / "part", max_time=PATIENCE, **asked)
    assert long.stopped == "limit on trials or epochs"
    assert history(tmp_path / "part") == history(tmp_path / "whole")
    assert search(tmp_path / "part", max_time=0.5, **asked).trials == long.trials  # reading it back takes no time


def slow(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    time.sleep(0.02)
    return look_up(config, **job)


def test_nothing_is_trained_again_where_nothing_is_feasible_or_nothing_is_asked() -> None:
    asked: dict[str, Any] = {"max_trials": 40, "max_epochs": 3, "min_epochs": 1, "eta": 3}
    infeasible = nas.search(hills(), look_up, confirm=3, constraints=["precision>=2"], **asked)
    assert infeasible.best and infeasible.confirmation is None
    assert nas.search(hills(), look_up, **asked).confirmation is None


def test_who_is_done_sooner_is_not_chosen_for_that() -> None:
    """Of three candidates in search order only those count before the first that the time was too short for."""
    spec = nas.search(flat(), noisy, max_trials=20, confirm=3, **FULL).spec
    first, second, third = (scored(finished(f"g0.b0.{i}", 0.9 - i / 10), spec) for i in range(3))
    searched = [first, second, third]
    assert incumbent(Evidence.of([*searched, again(third, 0.95)]), spec) == first
    assert incumbent(Evidence.of([*searched, again(second, 0.95), again(third, 0.99)]), spec) == first
    assert incumbent(Evidence.of([*searched, again(first, 0.1)]), spec) == first
    assert incumbent(Evidence.of([*searched, again(first, 0.1), again(second, 0.75)]), spec) == second
    assert incumbent(Evidence.of([*searched, replace(again(first, 0.1), status=Status.CRASHED)]), spec) == second


def test_it_is_known_who_was_ahead_before_the_best_were_trained_again() -> None:
    spec = nas.search(flat(), noisy, max_trials=20, confirm=3, **FULL).spec
    first, second = (scored(finished(f"g0.b0.{i}", 0.9 - i / 10), spec) for i in range(2))
    assert overtaken(Evidence.of([first, second]), spec) is None
    assert overtaken(Evidence.of([first, second, again(first, 0.9), again(second, 0.9)]), spec) is None
    former = overtaken(Evidence.of([first, second, again(first, 0.1), again(second, 0.8)]), spec)
    assert former and former.result == first and former.pooled["accuracy"] == pytest.approx(0.5)


def finished(trial_id: str, accuracy: float, operator: str = "sample", parents: tuple[str, ...] = ()) -> Result:
    return Result(Job(Trial(trial_id, Config(()), 0, operator, parents), 0, 1), Status.OK, {"accuracy": accuracy})


def again(result: Result, accuracy: float) -> Result:
    trial_id = result.job.trial.id
    return finished(f"{trial_id}.r1", accuracy, REPEAT, (trial_id,))


def test_the_probability_that_a_constraint_holds_is_right_as_often_as_it_says() -> None:
    """Over many estimates from few normal values: of those that say p, the next value meets the bound in p of all."""
    rng, bound = np.random.default_rng(1), parse("precision>=0.5")
    said, met = [], []
    for _ in range(4000):
        values = rng.normal(rng.uniform(0.4, 0.6), 0.05, 6)
        found = estimate(trained(values[:5]), [])
        assert found
        said.append(found.probability(bound))
        met.append(values[5] >= 0.5)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        chosen = [m for s, m in zip(said, met, strict=True) if low <= s <= low + 0.2]
        assert np.mean(chosen) == pytest.approx(low + 0.1, abs=0.07)
    certain = Estimate(2, {"precision": 0.5}, {"precision": 0.0}, 2)
    assert (certain.probability(bound), certain.probability(parse("precision<=0.4"))) == (1.0, 0.0)


def trained(values: Any) -> Confirmed:
    first, *more = (Result(Job(Trial("g0.b0.0", Config(()), 0), 0, 1), Status.OK, {"precision": v}) for v in values)
    return Confirmed(first, tuple(more))

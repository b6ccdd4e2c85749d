"""Does what cuts a training short do so, even where the trainer catches it and returns what it has?"""

import asyncio
import itertools
import signal
import time
from typing import Any

from ConfigSpace import ConfigurationSpace

import nas

FULL: dict[str, Any] = {"budget": "full", "max_epochs": 1, "offspring": 4, "strategy": "random"}


def space() -> ConfigurationSpace:
    return ConfigurationSpace({"x": (0.0, 1.0)})


def stubborn(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Return the share of the work that was done when somebody said stop, whatever it was."""
    done = 0
    try:
        for done in range(1, 11):  # noqa: B007 (counted on purpose)
            time.sleep(0.02)
    except BaseException:
        return {"accuracy": done / 10}
    return {"accuracy": 1.0}


def test_a_training_that_the_limit_in_time_cut_short_is_no_result() -> None:
    run = nas.search(space(), stubborn, max_time=0.5, **FULL)
    assert run.stopped == "time limit" and {result.metrics["accuracy"] for result in run.trials} <= {1.0}


def test_one_that_takes_too_long_is_a_timeout_in_a_notebook_too() -> None:
    async def cell() -> nas.Run:
        return nas.search(space(), stubborn, max_trials=2, trial_timeout=0.05, **FULL)

    here = nas.search(space(), stubborn, max_trials=2, trial_timeout=0.05, **FULL)
    for run in (here, asyncio.run(cell())):
        assert [result.status for result in run.trials] == [nas.Status.TIMEOUT] * 2


def test_ctrl_c_that_a_trainer_catches_ends_the_search() -> None:
    calls = itertools.count()

    def interrupted(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        try:
            if next(calls) == 2:
                signal.raise_signal(signal.SIGINT)
        except BaseException:
            return {"accuracy": 0.5}
        return {"accuracy": 1.0}

    run = nas.search(space(), interrupted, max_trials=100, **FULL)
    assert run.stopped == "interrupted" and [result.metrics["accuracy"] for result in run.trials] == [1.0, 1.0]


def test_a_trainer_may_run_a_loop_of_its_own() -> None:
    def train(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        return {"accuracy": asyncio.run(answer(config["x"]))}

    async def answer(x: float) -> float:
        await asyncio.sleep(0)
        return x

    run = nas.search(space(), train, max_trials=3, **FULL)
    assert [result.status for result in run.trials] == [nas.Status.OK] * 3

"""Strategies as somebody would write them who knows nothing but `nas.strategies.lab`."""

import asyncio
from collections.abc import Coroutine
from itertools import count
from pathlib import Path
from typing import Any

import nas
from nas.core.seeds import generator
from nas.core.types import Config
from nas.strategies.breeding.variation import Draws, sample
from nas.strategies.lab import Lab, Program
from nas.strategies.strategy import Own
from tests.fakes import climb, hills

SMALL: dict[str, Any] = {"max_epochs": 9, "min_epochs": 1, "eta": 3, "max_trials": 12, "verbose": False}


def search(strategy: Program, folder: Path | None = None, train: Any = climb, **asked: Any) -> nas.Run:
    """Search hills by `strategy`, under a name that stays when it is mended."""
    return nas.search(hills(), train, strategy=Own("mine", "", strategy), run_dir=folder, **{**SMALL, **asked})


def draw(lab: Lab, name: str) -> Config:
    """Return the configuration that belongs to `name`."""
    return sample(Draws(lab.space, generator(lab.spec.seed, name)))


async def one_by_one(lab: Lab) -> None:
    """Train without end, one after the other, deaf to what fails."""
    for number in count():
        try:
            await lab.train(lab.trial(f"guess no. {number}/∞", draw(lab, f"{number}")), 9)
        except Exception:
            raise AssertionError("the end of a search is no error of a training") from None


async def all_at_once(lab: Lab) -> None:
    """Ask for much more than there is, a little of each first."""
    trials = [lab.trial(f"../{number}", draw(lab, f"{number}"), order=(0, number)) for number in range(100)]
    for epochs in (1, 3, 9):
        await asyncio.gather(*(lab.train(trial, epochs) for trial in trials))


async def in_groups(lab: Lab) -> None:
    """Halve groups of three, in task groups, without a look at what is left."""
    for generation in count():
        trials = [lab.trial(f"{generation}:{i}", draw(lab, f"{generation}:{i}")) for i in range(3)]
        for epochs in (3, 9):
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(training(lab, trial, epochs)) for trial in trials]
            best = max((task.result() for task in tasks), key=lambda result: result.score)
            trials = [best.job.trial]


def training(lab: Lab, trial: nas.Trial, epochs: int) -> Coroutine[Any, Any, nas.Result]:
    return lab.train(trial, epochs)

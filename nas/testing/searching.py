"""What does a strategy, a scheduler or a model of a search promise? Tried on a small search, a second long."""

import asyncio
import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace, EqualsCondition

from nas.asked import Limits, Search
from nas.core.seeds import generator, seed
from nas.core.types import Job, Result
from nas.engine import conduct
from nas.engine.executors import Elsewhere, Executor
from nas.engine.executors.inline import Inline
from nas.engine.executors.perform import perform
from nas.engine.watchers import Callback
from nas.runs.checkpoints import States
from nas.runs.folder import history_lines
from nas.runs.run import Run
from nas.strategies.evolution import Evolution
from nas.strategies.modelling import SearchModel
from nas.strategies.schedulers.halving import Halving
from nas.strategies.scheduling import Scheduler
from nas.strategies.strategy import strategy as strategy_of

_TRIALS, _EPOCHS, _LIMIT = 20, 60, 9  # of the search, and of a full training
_LARGEST = 300  # width that the cheap constraint allows
_STOPS = (1, 4, 9)  # results after which the search is cut off


def check_strategy(strategy: object, scheduler: Scheduler | None = None) -> None:
    """Raise AssertionError where a strategy, a part or a coroutine function, breaks a promise.

    It trains nothing that breaks a cheap constraint, and no configuration twice; it ends within the limits; and its
    history is the same whoever trains, in whatever order trainings end, and however often the search is cut off.
    """
    chosen = strategy_of(strategy)
    asked = Search(
        _space(), _train, {"width": lambda config: float(config["width"])}, objective="score",
        constraints=[f"width<={_LARGEST}", "error<=0.9"], strategy=chosen,
        scheduler=scheduler or Halving(max_epochs=_LIMIT, min_epochs=1, eta=3),
    )  # fmt: skip
    for limits in (Limits(trials=_TRIALS), Limits(epochs=_EPOCHS)):
        _check_search(replace(asked, limits=limits))


def check_scheduler(scheduler: Scheduler) -> None:
    """Raise AssertionError where evolution under this scheduler breaks a promise of a strategy, or nobody is on top."""
    check_strategy(Evolution(population=5, offspring=2), scheduler)


def check_model(model: SearchModel) -> None:
    """Raise AssertionError where evolution with this model breaks a promise of a strategy."""
    check_strategy(Evolution(population=5, offspring=2, model=model))


def _check_search(asked: Search) -> None:
    whole, limits = _run(asked), asked.limits
    trials = {result.job.trial.id: result.job.trial for result in whole.trials}
    assert trials, "it trains nothing"
    assert len(trials) <= (limits.trials or math.inf), (
        f"it trains {len(trials)} trials, but {limits.trials} are allowed"
    )
    assert whole.total_epochs <= (limits.epochs or math.inf), (
        f"it trains {whole.total_epochs} of {limits.epochs} epochs"
    )
    wide = [trial.config for trial in trials.values() if dict(trial.cheap)["width"] > _LARGEST]
    assert not wide, f"it trains what breaks a cheap constraint: {wide[0].values}"
    assert len({trial.config for trial in trials.values()}) == len(trials), "it trains a configuration twice"
    history = _history(whole)
    assert _history(_run(asked)) == history, "the same search has another history"
    for key in range(3):
        scattered = _history(_run(asked, executor=_Scattered(key)))
        assert scattered == history, "its history depends on which training ends first"
    for stop in _STOPS:
        with tempfile.TemporaryDirectory(prefix="nas-") as folder:
            _run(asked, Path(folder), callback=_after(stop))
            found = _history(_run(asked, Path(folder)))
            assert found == history, f"cut off after {stop} results it goes on to another history"


def _run(
    asked: Search, folder: Path | None = None, callback: Callback | None = None, executor: Executor | None = None
) -> Run:
    around = conduct.Surroundings(None, folder, callbacks=[callback] if callback else [])
    trains = executor or Inline(asked.train)
    return conduct.conduct(conduct.Search(asked.spec(), asked.space, asked.measures, trains, asked.experience), around)


def _history(run: Run) -> list[str]:
    return list(history_lines(run.trials))


def _after(results: int) -> Callback:
    seen = list[Result]()

    def stop(result: Result) -> bool:
        seen.append(result)
        return len(seen) >= results

    return stop


def _space() -> ConfigurationSpace:
    """A number, a rate, a choice, and a number that only one choice has."""
    space = ConfigurationSpace({"width": (8, 512), "rate": (1e-4, 1.0), "kind": ["a", "b", "c"], "depth": (1, 5)})
    space.add(EqualsCondition(space["depth"], space["kind"], "b"))
    return space


def _train(
    config: Mapping[str, Any], *, epochs: int, start: int, seed: int, checkpoint: Path
) -> dict[str, float]:  # what nas.Train promises
    """Return what comes of a configuration: a hill with the noise of its seed, higher with every epoch."""
    noise = generator(seed, "noise").rand()
    hill = 1 - abs(math.log10(config["rate"]) + 2) / 4 + config.get("depth", 0) / 20
    return {"score": hill * (1 - 0.5**epochs) + 0.05 * noise, "error": 1 - hill / 2}


@dataclass
class _Scattered(Elsewhere):
    """Three jobs at a time, each of which ends when chance says so."""

    key: int
    slots: int = 3

    async def run(self, job: Job, states: States) -> Result:
        for _ in range(seed("scattered", self.key, json.dumps(job.key)) % 40):
            await asyncio.sleep(0)
        return perform(_train, job, states)

    def close(self) -> None:
        pass

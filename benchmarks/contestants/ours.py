"""The engine itself, by its library and with its defaults."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

import nas
from benchmarks.command import whole
from benchmarks.meter import Meter, Spent
from nas.strategies.models.processes import Processes

TOLD = 1000  # results


def engine(meter: Meter, seed: int, known: Sequence[Mapping[str, Any]] = (), **settings: Any) -> None:
    """Search with the budget of the meter, once the results of those `known` are in, which costs nothing."""
    problem, lookup = meter.problem, meter.problem.lookup

    def train(config: Mapping[str, Any], *, epochs: int, **job: Any) -> dict[str, float]:
        return lookup.metrics(config, epochs) if config in known else dict(meter(config, epochs).metrics)

    with suppress(Spent):
        search = nas.search(
            lookup.space,
            train,
            measure=lookup.cheap,
            objective=lookup.objective,
            maximize=lookup.maximize,
            constraints=problem.constraints,
            max_epochs=lookup.max_epochs,
            min_epochs=problem.min_epochs,
            eta=3,
            seed=seed,
            max_total_epochs=int((meter.budget + len(known)) * lookup.max_epochs),
            initial=known,
            verbose=False,
            **settings,
        )
        whole(search)


def told(meter: Meter, seed: int) -> None:
    """Search once TOLD results of a table that is listed whole are known, and learn from them all."""
    lookup = meter.problem.lookup
    assert lookup.every, "the table is listed"
    legal = [config for config in map(dict, lookup.every()) if meter.is_new(config)]
    chosen = np.random.default_rng(seed).permutation(len(legal))[:TOLD]
    engine(meter, seed, [legal[place] for place in chosen], model=Processes(most=2 * TOLD))


evolution = engine
plain = partial(engine, model="none")
asha = partial(engine, budget="asha")

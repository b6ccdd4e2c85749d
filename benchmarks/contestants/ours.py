"""The engine itself, by its library and with its defaults."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import nas
from benchmarks.command import whole
from benchmarks.meter import Meter, Spent


def engine(meter: Meter, seed: int, **settings: Any) -> None:
    """Search with the budget of the meter."""
    problem, lookup = meter.problem, meter.problem.lookup

    def train(config: Mapping[str, Any], *, epochs: int, **job: Any) -> dict[str, float]:
        return dict(meter(config, epochs).metrics)

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
            max_total_epochs=int(meter.budget * lookup.max_epochs),
            verbose=False,
            **settings,
        )
        whole(search)


evolution = engine
plain = partial(engine, model="none")
asha = partial(engine, budget="asha")

"""The baseline: the default configuration, fully trained, and what else the user names."""

import asyncio
from itertools import count

from nas.core.configuration import checked_config, default_config
from nas.core.errors import UserError
from nas.engine.lab import Lab
from nas.strategies.initial import initial_trials


async def default(lab: Lab) -> None:
    """Train the default configuration of the space to the full budget, then the initial ones that the limits allow."""
    given = lab.spec.default
    config = checked_config(lab.space, given, "default") if given else default_config(lab.space)
    broken = lab.cheap.broken(config)
    if broken:
        value = lab.cheap.all(config)[broken.metric]
        raise UserError(f"the default configuration has {broken.metric} {value:.10g}, which breaks {broken}")
    initial_trials(lab, "g0.b1.{}".format)  # those that cannot be trained are told before anything is
    await lab.train(lab.trial("g0.b0.0", config, "default"), lab.spec.max_epochs)
    for number in count():
        trials, epochs = lab.allowed(lab.results)
        room = min(trials - len(lab.results), (epochs - lab.total_epochs) // lab.spec.max_epochs)
        others = initial_trials(lab, f"g{number}.b1.{{}}".format)
        others = others[: int(max(0, min(room, len(others))))]
        if not others:
            return
        await asyncio.gather(*(lab.train(trial, lab.spec.max_epochs) for trial in others))

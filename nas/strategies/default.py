"""The baseline: the default configuration, fully trained, and what else the user names."""

import asyncio
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, ClassVar

from nas.core.errors import UserError
from nas.core.parts import part
from nas.strategies.breeding.initial import initial_trials
from nas.strategies.strategy import Strategy

if TYPE_CHECKING:
    from nas.strategies.lab import Lab


@part("strategy", "default")
@dataclass(frozen=True)
class Default(Strategy):
    """The default configuration, fully trained, and what else is given by --initial."""

    endless: ClassVar[bool] = False

    async def __call__(self, lab: "Lab") -> None:
        """Train the default configuration to the full budget, then the initial ones that the limits allow."""
        from nas.core.configuration import checked_config, default_config  # here, for --help to stay quick

        given = lab.spec.default
        config = checked_config(lab.space, given, "default") if given else default_config(lab.space)
        broken = lab.cheap.broken(config)
        if broken:
            value = lab.cheap.all(config)[broken.metric]
            raise UserError(f"the default configuration has {broken.metric} {value:.10g}, which breaks {broken}")
        initial_trials(lab, "g0.b1.{}".format, {config})  # those that cannot be trained are told before anything is
        await lab.train(lab.trial("g0.b0.0", config, "default"), lab.spec.max_epochs)
        for number in count():
            trials, epochs = lab.room()
            room = min(trials, epochs // lab.spec.max_epochs)
            others = initial_trials(lab, f"g{number}.b1.{{}}".format)
            others = others[: int(max(0, min(room, len(others))))]
            if not others:
                return
            await asyncio.gather(*(lab.train(trial, lab.spec.max_epochs) for trial in others))

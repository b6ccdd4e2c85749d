"""The configurations that the user knows to be good, which are trained first, and to the full budget."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from nas.core.errors import Unbuildable, UserError
from nas.core.types import Config, Trial

if TYPE_CHECKING:
    from nas.strategies.lab import Lab


def initial_trials(lab: "Lab", name: Callable[[int], str], begun: Collection[Config] = ()) -> list[Trial]:
    """Return a trial of each initial configuration that was not trained yet, nor is `begun`; the first is name(0).

    Raises UserError that tells all those that cannot be built or break a cheap constraint.
    """
    trained = {result.job.trial.config for result in lab.results} if lab.spec.initial else set()
    configs = [config for config in map(Config.of, lab.spec.initial) if config not in trained and config not in begun]
    known = [lab.recorded(name(place)) for place in range(len(configs))]
    faults = [_fault(lab, config) for config, trial in zip(configs, known, strict=True) if not trial]
    if any(faults):
        raise UserError("; ".join(filter(None, faults)))
    return [
        trial or lab.trial(name(place), config, "initial")
        for place, (config, trial) in enumerate(zip(configs, known, strict=True))
    ]


def _fault(lab: "Lab", config: Config) -> str:
    """Return what stands against training `config`, or nothing."""
    what = "the default configuration" if config.values == lab.spec.default else f"the initial {config.values}"
    try:
        broken = lab.cheap.broken(config)
        values = lab.cheap.all(config)
    except Unbuildable as error:
        return f"{what} cannot be built: {error}"
    return f"{what} has {broken.metric} {values[broken.metric]:.10g}, which breaks {broken}" if broken else ""

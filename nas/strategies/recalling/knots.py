"""At which epochs is training looked at? Where the scheduler compares trials, or at the few that tell a curve."""

from nas.core.spec import Scheduler
from nas.strategies.scheduling import Rungs


def knots_for(scheduler: Scheduler) -> tuple[int, ...]:
    """Return the epochs, rising; the last is a full training."""
    if isinstance(scheduler, Rungs):
        return tuple(rung.epochs for rung in scheduler.rounds()[0])
    from nas.transfer.past import knots_of  # here, for --help to stay quick

    return knots_of(scheduler.max_epochs)

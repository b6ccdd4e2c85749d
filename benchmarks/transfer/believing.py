"""How does a model of `nas.transfer` recommend? Job by job, each from a configuration's last knot to its next."""

import numpy as np

from benchmarks.transfer.baselines import Observe, Recommended
from benchmarks.transfer.old import Old


def believed(old: Old, observe: Observe, budget: int, model: str, every_epoch: bool = False) -> Recommended:
    """Return what the model recommends by epochs spent, from 0 to `budget`; it changes when a job is complete."""
    from nas.transfer.models import learn

    past = old.past(every_epoch)
    belief = learn(past, model)
    found, done = [belief.best()], np.zeros(len(old.features), dtype=int)
    while len(found) <= budget and (config := belief.next()) is not None:
        since, until = (0, *past.knots)[done[config]], past.knots[done[config]]
        value = max(observe(config, epoch) for epoch in range(1, until + 1))
        belief = belief.tell(config, int(done[config]), value)
        done[config] += 1
        found += [found[-1]] * (until - since - 1) + [belief.best()]
    found += [found[-1]] * (budget + 1 - len(found))
    return np.array(found[: budget + 1])

"""Does a training still learn? Where its loss rises again by much, the last steps are undone."""

import math
from collections.abc import Mapping
from typing import Any

from nas.training.policies.autolrs.rates import stop_momentum
from nas.training.policies.learner import Kept, Learner, keep

_MEMORY = 0.9  # of the moving mean of the loss
_APART = 10  # steps between two states that are kept
_YOUNG = 100  # steps in which a rate that was found may prove to be too large, and all is undone
_LEAST = 0.2  # of the first loss, that counts as learned in any case


class Watchdog:
    """It compares the moving mean of the training loss, which begins at the `first` loss of all, with the best of it.

    `alarm` is the share of what was learned by which it may rise again; 0 is any. Two states are kept: the latest may
    have gone wrong already.
    """

    def __init__(self, alarm: float, first: float, start: Kept | None = None) -> None:
        self.alarm, self.first, self.since = alarm, first, 0
        self.mean = self.best = first
        # With mean and best of then, the older one first.
        self.kept: list[tuple[Kept, float, float]] = [] if start is None else [(start, first, first)]

    def before_step(self, learner: Learner) -> None:
        """Keep the state now and then, before a step that may be one too many."""
        if self.alarm and self.since % _APART == 0 and (self.since >= _YOUNG or not self.kept):
            self.kept = [*self.kept[-1:], (keep(learner), self.mean, self.best)]

    def after_step(self, learner: Learner, loss: float) -> bool:
        """Note the loss before a step; return whether all is well, else go back to the older state without momentum."""
        self.since += 1
        if not self.alarm:
            return True
        self.mean = _MEMORY * self.mean + (1 - _MEMORY) * loss
        learned = max(self.first - self.best, _LEAST * self.first)
        if math.isfinite(loss) and self.mean <= self.best + self.alarm * learned:
            self.best = min(self.best, self.mean)
            return True
        kept, self.mean, self.best = self.kept[0]
        learner.put_back(kept)
        stop_momentum(learner.optimizer)
        self.since, self.kept = 0, self.kept[:1]
        return False

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next steps depend on."""
        return dict(vars(self))

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from there."""
        vars(self).update(saved)

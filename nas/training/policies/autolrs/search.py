"""How are learning rates searched for while a network trains? Stages: try some for a few steps each, go on at the best.

Y. Jin et al., AutoLRS: Automatic Learning-Rate Schedule by Bayesian Optimization on the Fly, ICLR 2021.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from nas.core.errors import Diverged
from nas.training.policies.autolrs.rates import ratios, set_rate
from nas.training.policies.autolrs.settings import Settings
from nas.training.policies.autolrs.trial import Trial
from nas.training.policies.autolrs.tried import Tried, best, may_be_best, next_rate
from nas.training.policies.autolrs.watchdog import Watchdog
from nas.training.policies.learner import Kept, Learner, keep

_FIELDS = ("step", "stage", "rate", "since", "next", "before", "untrained", "first")
_NONE = 1e9  # the loss of a network that has none, which any is better than


class RateSearch:
    """The search in a training of `total` steps. It sets the rate before every step and judges after it."""

    def __init__(self, settings: Settings, learner: Learner, total: int) -> None:
        """Raise UserError where the training is too short, or its optimizer has no rate to set."""
        settings.trials_of(0, total)
        self.settings, self.total = settings, total
        self.shares = ratios(learner.optimizer, settings.name)
        self.step = self.since = self.stage = self.first = 0  # the last: the first one tried in this stage
        self.next: int | None = 0  # the step where a search begins
        self.rate: float | None = None  # that was chosen
        self.untrained = self.before = math.inf  # the held-out loss at the beginning of all, and of the stage
        self.tried: list[Tried] = []
        self.trial: Trial | None = None
        self.start: tuple[Kept, Any] | None = None  # of the stage: what was kept, and the place in the data
        self.ends: dict[int, tuple[Kept, Any]] = {}  # of the trials that may be the best
        self.watchdog = Watchdog(settings.alarm, self.untrained)

    @property
    def searching(self) -> bool:
        """Whether a rate may yet be tried."""
        return self.trial is not None or self.next is not None

    def before_step(self, learner: Learner) -> None:
        """Set the rate of the step."""
        if self.next is not None and self.step >= self.next:
            self._begin_stage(learner)
        if self.trial is None:
            self.watchdog.before_step(learner)
        set_rate(learner.optimizer, self.rate_now(), self.shares)

    def rate_now(self) -> float:
        """Return the rate of the step at hand."""
        if self.trial is not None:
            return self.trial.rate
        assert self.rate is not None
        if self.next is not None or not self.settings.anneal:
            return self.rate
        return self.rate * max(0.0, 1 - (self.step - self.since) / max(1, self.total - self.since))

    def after_step(self, learner: Learner, loss: float) -> bool:
        """Judge the step, which began at `loss`. Return False where it was taken back because it led nowhere."""
        self.step += 1
        if self.trial is None:
            well = self.watchdog.after_step(learner, loss)
            if not well:
                self._slow_down()
            return well
        hopeless = not loss <= self.settings.hopeless * self.before + 1
        if not hopeless:
            self.trial.took(learner)
        if hopeless or self.trial.over:
            self._end_trial(learner, None if hopeless else self.trial.score(learner))
        return not hopeless

    @contextmanager
    def shown(self, learner: Learner) -> Iterator[None]:
        """Let the network be the best so far in the block, while a rate is tried."""
        if self.trial is None:
            yield
            return
        now, place = keep(learner), learner.place()
        found = best(self._of_stage, self.before, self.settings.margin)
        assert self.start
        kept, there = self.start if found is None else self.ends[found]
        learner.put_back(kept)
        learner.go_to(there)
        try:
            yield
        finally:
            learner.put_back(now)
            learner.go_to(place)

    @property
    def _of_stage(self) -> list[Tried]:
        return self.tried[self.first :]

    def _begin_stage(self, learner: Learner) -> None:
        self.start, self.ends, self.first, self.next = (keep(learner), learner.place()), {}, len(self.tried), None
        loss = learner.loss_on_held_out()
        self.before = loss if math.isfinite(loss) else _NONE
        self.untrained = self.untrained if self.stage else self.before
        self._try_next()

    def _try_next(self) -> None:
        count, steps = self.settings.trials_of(self.stage, self.total)
        rate = next_rate(self._of_stage, self.before, self.rate, count, self.settings)
        self.trial = Trial(self.step, rate, steps, self.settings.length_of(self.stage, self.total), self.settings)

    def _end_trial(self, learner: Learner, forecast: float | None) -> None:
        """Note what came of the trial, and begin the next one or the stage's training."""
        assert self.trial and self.start
        self.tried.append(Tried(self.trial.step, self.trial.rate, self.step - self.trial.step, forecast))
        tried = self._of_stage
        left = may_be_best(tried)
        if len(tried) - 1 in left:
            self.ends[len(tried) - 1] = keep(learner), learner.place()
        self.ends = {i: end for i, end in self.ends.items() if i in left}
        if self._room_for_more(tried):
            self._go_back(learner, self.start)
            self._try_next()
        else:
            self._conclude(learner)

    def _room_for_more(self, tried: Sequence[Tried]) -> bool:
        """Return whether another rate may be tried: those given up leave steps for others, up to twice as many."""
        count, steps = self.settings.trials_of(self.stage, self.total)
        spent = sum(each.steps for each in tried)
        return spent + steps <= count * steps and len(tried) < 2 * count

    def _conclude(self, learner: Learner) -> None:
        """Choose the best rate and go on with it."""
        assert self.start
        tried = self._of_stage
        found = best(tried, self.before, self.settings.margin)
        if found is None:  # nothing was learned at any: the smallest does the least harm
            self.rate = min(each.rate for each in tried)
        else:
            self.rate = tried[found].rate
            self.tried[self.first + found] = replace(tried[found], chosen=True)
        self._go_back(learner, self.ends[found] if found is not None and self.settings.keep_on else self.start)
        self.watchdog = Watchdog(self.settings.alarm, self.untrained, self.start[0])
        self.trial, self.start, self.ends, self.since = None, None, {}, self.step
        self.stage += 1
        self.next = self._next_search()

    def _slow_down(self) -> None:
        """Lower the rate after steps were undone. Raises Diverged where there is none that lets the loss fall."""
        assert self.rate is not None
        self.rate *= self.settings.cut
        if self.rate < self.settings.cut * self.settings.least:
            raise Diverged(f"the loss rises at every learning rate down to {self.settings.least:g}")

    def _next_search(self) -> int | None:
        """Return the step where the next search begins, None where there is none or it would come too late."""
        if self.settings.stages is not None and self.stage >= self.settings.stages:
            return None
        begins = self.step + self.settings.length_of(self.stage - 1, self.total)
        count, steps = self.settings.trials_of(self.stage, self.total)
        return begins if begins + 2 * count * steps < self.total else None

    def _go_back(self, learner: Learner, where: tuple[Kept, Any]) -> None:
        kept, place = where
        learner.put_back(kept)
        learner.go_to(place)

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next steps depend on."""
        told = {name: getattr(self, name) for name in _FIELDS}
        trial = None if self.trial is None else self.trial.state_dict()
        tried = [each.to_json() for each in self.tried]
        watchdog = self.watchdog.state_dict()
        return {**told, "tried": tried, "trial": trial, "start": self.start, "ends": self.ends, "watchdog": watchdog}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from there."""
        for name in _FIELDS:
            setattr(self, name, saved[name])
        self.tried = [Tried(**each) for each in saved["tried"]]
        self.trial = None if saved["trial"] is None else Trial.of_state_dict(saved["trial"], self.settings)
        self.start, self.ends = saved["start"], dict(saved["ends"])
        self.watchdog.load_state_dict(saved["watchdog"])

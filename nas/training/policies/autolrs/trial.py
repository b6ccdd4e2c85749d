"""How good is one rate? Some steps at it, and what is expected of the loss after them."""

import math
from collections.abc import Mapping
from typing import Any

from nas.training.policies.autolrs.forecast import forecast
from nas.training.policies.autolrs.settings import Settings
from nas.training.policies.learner import Average, Learner


class Trial:
    """The trial of a rate, of so many steps; the stage's training has `until` steps."""

    def __init__(self, step: int, rate: float, steps: int, until: int, settings: Settings) -> None:
        self.step, self.rate, self.steps, self.until, self.settings = step, rate, steps, until, settings
        self.done = 0
        self.average = Average()
        self.read_at, self.readings = list[float](), list[float]()

    def took(self, learner: Learner) -> None:
        """Note where a step has led."""
        self.done += 1
        if self.settings.score == "average":
            if self.done > self.steps // 2:
                self.average.add(learner.model)
        elif self.done % max(1, self.steps // self.settings.readings) == 0:
            self.read_at.append(self.done)
            self.readings.append(learner.loss_on_held_out())

    @property
    def over(self) -> bool:
        """Whether all steps are done."""
        return self.done == self.steps

    def score(self, learner: Learner) -> float | None:
        """Return the loss that is expected, None where it is no finite number."""
        if self.settings.score == "forecast":
            return forecast(self.read_at, self.readings, self.until)
        found = self.average.loss(learner)
        return found if math.isfinite(found) else None

    def state_dict(self) -> dict[str, Any]:
        """Return what the next steps depend on."""
        told = {name: getattr(self, name) for name in ("step", "rate", "steps", "until", "done", "read_at", "readings")}
        return {**told, "sums": self.average.sums, "count": self.average.count}

    @classmethod
    def of_state_dict(cls, saved: Mapping[str, Any], settings: Settings) -> "Trial":
        """Return the trial that `state_dict` told of."""
        trial = cls(saved["step"], saved["rate"], saved["steps"], saved["until"], settings)
        trial.done, trial.read_at, trial.readings = saved["done"], list(saved["read_at"]), list(saved["readings"])
        trial.average = Average(saved["sums"], saved["count"])
        return trial

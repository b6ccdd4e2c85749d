"""The search for learning rates as a policy of the engine's trainings."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor

from nas.training.policies.autolrs.search import RateSearch
from nas.training.policies.autolrs.settings import Settings
from nas.training.policies.policy import Course, Running


class Searching(Running):
    """The search in one training; what was held out for it is given back in the first epoch after it."""

    def __init__(self, settings: Settings, training: Course) -> None:
        self.search = RateSearch(settings, training, training.steps_per_epoch * training.epochs)
        self.steps_per_epoch = training.steps_per_epoch
        self.over: int | None = None  # the place in the data where the last search was over

    def before_step(self, training: Course) -> None:
        """Set the rate."""
        self.search.before_step(training)

    def after_step(self, training: Course, loss: Tensor) -> bool:
        """Judge the step."""
        stands = self.search.after_step(training, loss.item())
        if self.over is None and not self.search.searching:
            self.over = training.place()["data"]
        return stands

    def shown(self, training: Course) -> AbstractContextManager[None]:
        """Let the network be the best so far, while rates are tried."""
        return self.search.shown(training)

    def withholds(self, epoch: int) -> bool:
        """Return whether a search went on when the epoch of the data began."""
        return self.over is None or epoch * self.steps_per_epoch < self.over

    def tried(self) -> list[dict[str, Any]]:
        """Return the rates that were tried, and what was expected of each."""
        return [each.to_json() for each in self.search.tried]

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next steps depend on."""
        return {"search": self.search.state_dict(), "over": self.over}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.search.load_state_dict(saved["search"])
        self.over = saved["over"]

"""What is a learning rate that nobody touches?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nas.core.parts import part
from nas.training.policies.policy import Course, Policy, Running


@part("policy", "constant")
@dataclass(frozen=True)
class Constant(Policy):
    """The rate stays as the optimizer has it, even where that learns a rate of its own."""

    def begin(self, training: Course) -> "Untouched":
        """Return what does nothing."""
        return Untouched()


class Untouched(Running):
    """A policy at work that does nothing."""

    def before_step(self, training: Course) -> None:
        """Leave the rate alone."""

    def state_dict(self) -> dict[str, Any]:
        """Return that there is nothing to know."""
        return {}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on."""

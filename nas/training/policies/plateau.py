"""What is a learning rate that falls where the loss no longer does?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch.optim.lr_scheduler import ReduceLROnPlateau

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.policies.policy import Course, Policy, Running

HELD_OUT = "held-out"


@part("policy", "plateau")
@dataclass(frozen=True)
class Plateau(Policy):
    """The rate is multiplied by a factor where the loss of an epoch has not fallen for some epochs."""

    gamma: float = parameter(0.1, "the factor", above=0, below=1)
    patience: int = parameter(10, "epochs without a lower loss that pass before", least=0)
    threshold: float = parameter(1e-4, "by which share the loss must be lower", least=0, below=1)
    cooldown: int = parameter(0, "epochs after a fall in which none is counted", least=0)
    held_out: float = parameter(
        0.0,
        "share of the training part that is held out, whose loss decides; without, that trained on",
        least=0,
        most=0.5,
    )

    def begin(self, training: Course) -> "Watching":
        """Return the policy at work."""
        scheduler = ReduceLROnPlateau(
            training.optimizer, factor=self.gamma, patience=self.patience, threshold=self.threshold,
            cooldown=self.cooldown, eps=0.0,
        )  # fmt: skip
        return Watching(scheduler, bool(self.held_out))

    def sets_aside(self) -> float:
        """Return the share that decides."""
        return self.held_out


class Watching(Running):
    """torch's scheduler, which is told the loss of every epoch: that of images held out, or the one trained on."""

    def __init__(self, scheduler: ReduceLROnPlateau, held_out: bool) -> None:
        self.scheduler, self.held_out = scheduler, held_out

    def before_step(self, training: Course) -> None:
        """Tell the loss of the epoch that has just ended."""
        if training.position and self.scheduler.last_epoch < training.position // training.steps_per_epoch:
            loss = training.validate(HELD_OUT)["loss"] if self.held_out else training.losses[-1]
            self.scheduler.step(loss)

    def state_dict(self) -> dict[str, Any]:
        """Return the scheduler's own state."""
        return self.scheduler.state_dict()

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.scheduler.load_state_dict(dict(saved))

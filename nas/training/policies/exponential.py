"""What is a learning rate that shrinks by the same factor again and again?"""

from dataclasses import dataclass

from torch.optim.lr_scheduler import ExponentialLR

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.policies.policy import EPOCHS, STEPS, Course, Policy, Scheduled, every


@part("policy", "exponential")
@dataclass(frozen=True)
class Exponential(Policy):
    """The rate is multiplied by a factor after every epoch."""

    gamma: float = parameter(0.95, "the factor", above=0, most=1)
    unit: str = parameter(EPOCHS, "after which it falls", choices=(EPOCHS, STEPS))

    def begin(self, training: Course) -> Scheduled:
        """Return the policy at work."""
        return Scheduled(ExponentialLR(training.optimizer, self.gamma), every(self.unit, training))

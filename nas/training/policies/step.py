"""What is a learning rate that falls in steps?"""

from dataclasses import dataclass

from torch.optim.lr_scheduler import StepLR

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.policies.policy import EPOCHS, STEPS, Course, Policy, Scheduled, every


@part("policy", "step")
@dataclass(frozen=True)
class Step(Policy):
    """The rate is multiplied by a factor every so many epochs."""

    period: int = parameter(30, "after how many units it falls", least=1)
    gamma: float = parameter(0.1, "the factor", above=0, most=1)
    unit: str = parameter(EPOCHS, "in which the period is told", choices=(EPOCHS, STEPS))

    def begin(self, training: Course) -> Scheduled:
        """Return the policy at work."""
        return Scheduled(StepLR(training.optimizer, self.period, self.gamma), every(self.unit, training))

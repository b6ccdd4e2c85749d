"""What is a learning rate that falls like a cosine and begins anew?"""

from dataclasses import dataclass

from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.policies.policy import EPOCHS, STEPS, Course, Policy, Scheduled, every


@part("policy", "cosine-restarts")
@dataclass(frozen=True)
class CosineRestarts(Policy):
    """The rate falls like half a cosine to 0, and begins anew, each time for longer.

    I. Loshchilov and F. Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017.
    """

    period: int = parameter(1, "how long it falls the first time", least=1)
    growth: int = parameter(2, "by which each time is longer than the one before", least=1)
    unit: str = parameter(EPOCHS, "in which the period is told", choices=(EPOCHS, STEPS))

    def begin(self, training: Course) -> Scheduled:
        """Return the policy at work."""
        steps = self.period * every(self.unit, training)
        return Scheduled(CosineAnnealingWarmRestarts(training.optimizer, steps, self.growth))

"""What is a learning rate that falls like a cosine and begins anew?"""

from dataclasses import dataclass

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.policies.policy import EPOCHS, STAIRCASE, STEPS, Course, Policy, Scheduled, every, stretch


@part("policy", "cosine-restarts")
@dataclass(frozen=True)
class CosineRestarts(Policy):
    """The rate falls like half a cosine, and begins anew, each time for longer.

    I. Loshchilov and F. Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017.
    """

    period: int = parameter(1, "how long it falls the first time", least=1)
    growth: int = parameter(2, "by which each time is longer than the one before", least=1)
    final: float = parameter(0.0, "share of the rate that is left before it begins anew", least=0, most=1)
    unit: str = parameter(EPOCHS, "in which the period is told", choices=(EPOCHS, STEPS))
    staircase: bool = parameter(False, STAIRCASE)

    def begin(self, training: Course) -> Scheduled:
        """Return the policy at work."""
        step = every(EPOCHS if self.staircase else STEPS, training)
        period = stretch(self.period, self.unit, step, training)
        return Scheduled(FallingTo(self.final, training.optimizer, period, self.growth), step)


class FallingTo(CosineAnnealingWarmRestarts):
    """torch's scheduler, whose lowest rate is a share of what each group of weights begins with."""

    def __init__(self, share: float, optimizer: Optimizer, period: int, growth: int) -> None:
        self.share = share
        super().__init__(optimizer, period, growth)

    def get_lr(self) -> list[float | Tensor]:
        """Return the rates of the groups."""
        falling = zip(self.base_lrs, super().get_lr(), strict=True)
        return [rate + self.share * (base - rate) for base, rate in falling]

"""What is a learning rate that falls like half a cosine?"""

import math
from dataclasses import dataclass

from torch.optim.lr_scheduler import LambdaLR

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.policies.policy import Course, Policy, Scheduled


@part("policy", "cosine")
@dataclass(frozen=True)
class Cosine(Policy):
    """The rate rises in a straight line, then falls like half a cosine until the end of a full training.

    I. Loshchilov and F. Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017.
    """

    warmup: float = parameter(0.0, "share of the training in which it rises", least=0, below=1)
    final: float = parameter(0.0, "share of the rate that is left at the end", least=0, most=1)

    def begin(self, training: Course) -> Scheduled:
        """Return the policy at work."""
        steps = training.steps_per_epoch * training.epochs
        rising = round(self.warmup * steps)

        def factor(step: int) -> float:
            if step < rising:
                return (step + 1) / (rising + 1)
            fallen = (1 - math.cos(math.pi * min(1.0, (step - rising) / max(1, steps - rising)))) / 2
            return 1 - (1 - self.final) * fallen

        return Scheduled(LambdaLR(training.optimizer, factor))

"""What is a learning rate that falls to nothing in a straight line?"""

from dataclasses import dataclass

from torch.optim.lr_scheduler import LambdaLR

from nas.core.parts import part
from nas.training.policies.policy import Course, Policy, Scheduled


@part("policy", "linear")
@dataclass(frozen=True)
class Linear(Policy):
    """The rate falls in a straight line, to 0 at the end of a full training."""

    def begin(self, training: Course) -> Scheduled:
        """Return the policy at work."""
        steps, epochs = training.steps_per_epoch, training.epochs

        def factor(step: int) -> float:
            epoch, done = divmod(step, steps)
            return 1 - (epoch + done / steps) / epochs

        return Scheduled(LambdaLR(training.optimizer, factor))

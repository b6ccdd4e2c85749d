"""A policy of your own: the rate falls like a power of what is left. See docs/parts.md."""

from dataclasses import dataclass

from torch.optim.lr_scheduler import PolynomialLR

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.testing import check_policy
from nas.training.policies.policy import Course, Policy, Scheduled


@part("policy", "polynomial")
@dataclass(frozen=True)
class Polynomial(Policy):
    """The rate falls like a power of what is left."""

    power: float = parameter(2.0, "of the share that is left", above=0)

    def begin(self, training: Course) -> Scheduled:
        """Return the policy at work."""
        steps = training.steps_per_epoch * training.epochs
        return Scheduled(PolynomialLR(training.optimizer, steps, self.power))


if __name__ == "__main__":
    check_policy(Polynomial())
    print("polynomial keeps its promises")

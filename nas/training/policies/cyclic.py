"""What is a learning rate that goes up and down?"""

from dataclasses import dataclass

from torch.optim.lr_scheduler import CyclicLR

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.policies.policy import (
    EPOCHS,
    STAIRCASE,
    STEPS,
    Course,
    Policy,
    Scheduled,
    cycles,
    every,
    rates,
    stretch,
)


@part("policy", "cyclic")
@dataclass(frozen=True)
class Cyclic(Policy):
    """The rate goes up to the recipe's and down again, and a momentum against it.

    L. N. Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017.
    """

    period: float = parameter(4.0, "how long up and down take", above=0)
    low: float = parameter(0.1, "share of the rate at the bottom", above=0, most=1)
    high: float = parameter(1.0, "times the rate at the top", least=1)
    shape: str = parameter(
        "triangular", "as torch calls it; triangular2 halves the height each time, exp_range shrinks it at each move",
        choices=("triangular", "triangular2", "exp_range"),
    )  # fmt: skip
    gamma: float = parameter(1.0, "the factor of exp_range", above=0, most=1)
    momentum: bool | None = parameter(None, "whether a momentum moves, too; if it can where not said")
    unit: str = parameter(EPOCHS, "in which the period is told", choices=(EPOCHS, STEPS))
    staircase: bool = parameter(False, STAIRCASE)

    def begin(self, training: Course) -> Scheduled:
        """Return the policy at work."""
        step = every(EPOCHS if self.staircase else STEPS, training)
        half = stretch(self.period / 2, self.unit, step, training)
        scheduler = CyclicLR(
            training.optimizer, rates(training, self.low), rates(training, self.high), half, half,
            self.shape, self.gamma,  # type: ignore[arg-type]
            cycle_momentum=cycles(self.momentum, training, self.name),
        )  # fmt: skip
        return Scheduled(scheduler, step)

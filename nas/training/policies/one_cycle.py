"""What is a learning rate that goes up once and down for long?"""

from dataclasses import dataclass

from torch.optim.lr_scheduler import OneCycleLR

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.policies.policy import Course, Policy, Scheduled, cycles, rates


@part("policy", "one-cycle")
@dataclass(frozen=True)
class OneCycle(Policy):
    """The rate goes up to the recipe's, then down to almost nothing by the end, and a momentum against it.

    L. N. Smith and N. Topin, Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates, 2018.
    """

    rise: float = parameter(0.3, "share of the training in which it goes up", above=0, below=1)
    start: float = parameter(0.04, "share of the rate at the beginning", above=0, most=1)
    final: float = parameter(1e-4, "share of that which is left at the end", above=0, most=1)
    shape: str = parameter("cos", "of the ways up and down", choices=("cos", "linear"))
    momentum: bool | None = parameter(None, "whether a momentum moves, too; if it can where not said")

    def begin(self, training: Course) -> Scheduled:
        """Return the policy at work."""
        scheduler = OneCycleLR(
            training.optimizer, rates(training), training.steps_per_epoch * training.epochs, pct_start=self.rise,
            anneal_strategy=self.shape,  # type: ignore[arg-type]
            cycle_momentum=cycles(self.momentum, training, self.name),
            div_factor=1 / self.start, final_div_factor=1 / self.final,
        )  # fmt: skip
        return Scheduled(scheduler)

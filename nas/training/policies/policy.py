"""What is a policy to a training? Its parameters, and what acts before every step and owns its state."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from nas.core.errors import UserError
from nas.core.parts import Part
from nas.training.policies.learner import Learner

EPOCHS, STEPS = "epochs", "steps"
STAIRCASE = "whether it moves once an epoch only, not at every step"


class Course(Learner, Protocol):
    """What a policy sees of a training."""

    @property
    def position(self) -> int: ...  # in steps, those that were taken back among them
    @property
    def steps_per_epoch(self) -> int: ...
    @property
    def epochs(self) -> int: ...  # of a full training
    @property
    def losses(self) -> list[float]: ...  # the mean of each epoch that is over
    @property
    def recorded(self) -> bool: ...
    def validate(self, part: str) -> dict[str, float]: ...


class Running:
    """A policy at work in one training."""

    def before_step(self, training: Course) -> None:
        """Set the rate."""
        raise NotImplementedError

    def after_step(self, training: Course, loss: Tensor) -> bool:
        """Look at where the step led; `loss` is that before it. Return False where it was taken back as useless."""
        return True

    def shown(self, training: Course) -> AbstractContextManager[None]:
        """Let the network be as it is to be judged in the block."""
        return nullcontext()

    def withholds(self, epoch: int) -> bool:
        """Return whether what `Policy.withholds` asked for is kept from an epoch of the data, counted from 0."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next steps depend on."""
        raise NotImplementedError

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from there."""
        raise NotImplementedError


@dataclass(frozen=True)
class Policy(Part):
    """The parameters of a policy. The rate it begins with is the recipe's, or what each group of weights has."""

    finds_rate: ClassVar[bool] = False  # itself, whatever the recipe says

    def begin(self, training: Course) -> Running:
        """Return the policy at work. Raises UserError where it cannot work with this training."""
        raise NotImplementedError

    def sets_aside(self) -> float:
        """Return which share of the training part it wants as "held-out"."""
        return 0.0

    def withholds(self) -> float:
        """Return which share it wants as "held-out" for a while, and gives back then."""
        return 0.0


class Scheduled(Running):
    """One of torch's schedulers, which moves on once in so many steps."""

    def __init__(self, scheduler: LRScheduler, every: int = 1) -> None:
        self.scheduler, self.every = scheduler, every

    def before_step(self, training: Course) -> None:
        """Move on to where the training is."""
        while self.scheduler.last_epoch < training.position // self.every:
            self.scheduler.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the scheduler's own state."""
        return self.scheduler.state_dict()

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.scheduler.load_state_dict(dict(saved))
        self.scheduler.optimizer._opt_called = True  # type: ignore[attr-defined]  # else torch warns: no step came before


def begun(policy: Policy, training: Course) -> Running:
    """Return the policy at work. Raises UserError where it cannot work, or what it begins is no policy at work."""
    running: object = policy.begin(training)
    if not isinstance(running, Running):
        kind = type(running).__name__
        raise UserError(
            f"the policy {policy.name} begins a {kind}, but must begin a Running of nas.training.policies.policy"
        )
    return running


def every(unit: str, training: Course) -> int:
    """Return how many steps a unit has."""
    return training.steps_per_epoch if unit == EPOCHS else 1


def stretch(length: float, unit: str, step: int, training: Course) -> int:
    """Return how many times a rate moves in so many units, at least once, where it moves after every `step` steps."""
    return max(1, round(length * every(unit, training) / step))


def rates(training: Course, share: float = 1.0) -> list[float]:
    """Return a share of the learning rate that each group of weights begins with."""
    return [group["lr"] * share for group in training.optimizer.param_groups]


def cycles(asked: bool | None, training: Course, name: str) -> bool:
    """Return whether the momentum goes up and down against the rate: where the optimizer has one, if not said.

    Raises UserError where it cannot and was asked to.
    """
    possible = all("momentum" in group or "betas" in group for group in training.optimizer.param_groups)
    if asked and not possible:
        raise UserError(f"the policy {name} cannot move the momentum of an optimizer that has none: leave it out")
    if possible and training.recorded and asked is not False:
        raise UserError(f"the policy {name} moves the momentum, which a recorded step does not see: set it to False")
    return possible and asked is not False

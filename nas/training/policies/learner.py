"""What can be done with a network in training? It can go back to where it was, and be judged where it is."""

import copy
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

Kept = Mapping[str, Any]  # weights and state of an optimizer, and their average if there is one


class Learner(Protocol):
    """A network in training that can go back to where it was."""

    @property
    def model(self) -> nn.Module: ...
    @property
    def average(self) -> nn.Module | None: ...  # of the weights, if one is kept
    @property
    def optimizer(self) -> torch.optim.Optimizer: ...
    def loss_on_held_out(self) -> float: ...
    def put_back(self, kept: Kept) -> None: ...  # what `keep` gave
    def place(self) -> Any: ...  # in the data
    def go_to(self, place: Any) -> None: ...


def keep(learner: Learner) -> Kept:
    """Return a copy of all that a step changes, but for the place in the data."""
    average = {"average": _weights(learner.average)} if learner.average is not None else {}
    return {"model": _weights(learner.model), **average, "optimizer": copy.deepcopy(learner.optimizer.state_dict())}


def restore(learner: Learner, kept: Kept) -> None:
    """Give weights, their average and the optimizer what was kept of them."""
    learner.model.load_state_dict(kept["model"])
    if learner.average is not None:
        learner.average.load_state_dict(kept["average"])
    learner.optimizer.load_state_dict(copy.deepcopy(kept["optimizer"]))  # it would go on in the very tensors


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


class Average:
    """The mean of the weights, and of what else is in fractions, over some steps."""

    def __init__(self, sums: Mapping[str, Tensor] | None = None, count: int = 0) -> None:
        self.sums, self.count = dict(sums or {}), count

    def add(self, model: nn.Module) -> None:
        """Add what the model is now."""
        for name, value in _fractions(model).items():
            if name in self.sums:
                self.sums[name] = self.sums[name].to(value.device) + value
            else:
                self.sums[name] = value.clone()
        self.count += 1

    def loss(self, learner: Learner) -> float:
        """Return the held-out loss at the mean; the learner is left as it was."""
        now = _fractions(learner.model)
        before = {name: value.clone() for name, value in now.items()}
        with torch.no_grad():
            for name, value in now.items():
                value.copy_(self.sums[name] / self.count)
            found = learner.loss_on_held_out()
            for name, value in now.items():
                value.copy_(before[name])
        return found


def _fractions(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in model.state_dict().items() if value.is_floating_point()}

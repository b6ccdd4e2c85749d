"""How is the learning rate of an optimizer set, such that its groups of weights keep the ratios of theirs?"""

import torch
from torch import Tensor

from nas.core.errors import UserError


def ratios(optimizer: torch.optim.Optimizer, name: str) -> list[float]:
    """Return the rate of each group as a share of the largest.

    Raises UserError for an optimizer without rates, or one that sets its own; `name` is the policy's.
    """
    kind = type(optimizer).__name__
    if any("lr" not in group for group in optimizer.param_groups):
        raise UserError(f"the policy {name} sets a learning rate, which the optimizer {kind} has not")
    if hasattr(optimizer, "hyperparameters"):
        raise UserError(f"the policy {name} and the optimizer {kind} would both find the learning rate: choose one")
    given = [float(group["lr"]) for group in optimizer.param_groups]
    if max(given) <= 0:
        raise UserError(f"the policy {name} keeps the ratios of the learning rates, and all are 0: give one above 0")
    return [rate / max(given) for rate in given]


def set_rate(optimizer: torch.optim.Optimizer, rate: float, shares: list[float]) -> None:
    """Give each group of weights its share of the rate."""
    for group, share in zip(optimizer.param_groups, shares, strict=True):
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate * share)
        else:
            group["lr"] = rate * share


def stop_momentum(optimizer: torch.optim.Optimizer) -> None:
    """Let the optimizer forget in which direction it went."""
    for state in optimizer.state.values():
        for name in ("momentum_buffer", "exp_avg"):
            if isinstance(state.get(name), Tensor):
                state[name].zero_()

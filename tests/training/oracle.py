"""What do optimizers that learn their hyperparameters do, by automatic differentiation? Written apart from the engine.

Every level is a function of what it moves and of its own hyperparameters, which are tensors. The step from t to t + 1
is taken inside of one graph, whose leaves are the raw hyperparameters of all levels; the gradient of the next loss goes
back through that one step to all of them. Only then do they move, the topmost first.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Raw = dict[str, Tensor]


def rising(raw: Tensor) -> Tensor:
    return (raw.tanh() + 1) / 2


FORMS: dict[str, dict[str, Callable[[Tensor], Tensor]]] = {
    "sgd": {},
    "adam": {"beta1": rising, "beta2": rising},
    "adagrad": {},
    "rmsprop": {"rate": torch.square, "gamma": rising},
}


class Level:
    """An optimizer by name, with where its hyperparameters begin, and which of them learn."""

    def __init__(self, name: str, values: dict[str, float], learns: tuple[str, ...]) -> None:
        self.name, self.learns = name, learns
        self.raw = {key: torch.tensor(_back(name, key, value), dtype=torch.float64) for key, value in values.items()}
        self.memory, self.steps = list[Any](), 0

    def values(self) -> Raw:
        return {key: FORMS[self.name].get(key, lambda raw: raw)(raw) for key, raw in self.raw.items()}

    def step(self, params: list[Tensor], grads: list[Tensor]) -> list[Tensor]:
        """Return where the parameters move to, inside the graph of this level's hyperparameters."""
        self.steps += 1
        values, moved, memory = self.values(), list[Tensor](), list[Any]()
        self.memory = self.memory or [None] * len(params)
        for param, grad, past in zip(params, grads, self.memory, strict=True):
            way, kept = WAYS[self.name](grad, past, values, self.steps)
            moved.append(param - values["rate"] * way)
            memory.append([each.detach() for each in kept])
        self.memory = memory
        return moved


def _back(name: str, key: str, value: float) -> float:
    given = torch.tensor(value, dtype=torch.float64)
    if key in ("beta1", "beta2", "gamma"):
        return float((2 * given - 1).atanh())
    return float(given.sqrt()) if name == "rmsprop" and key == "rate" else value


def sgd(grad: Tensor, past: Any, values: Raw, steps: int) -> tuple[Tensor, list[Tensor]]:
    buffer = values["momentum"] * past[0] + grad if past else grad
    return buffer, [buffer]


def adam(grad: Tensor, past: Any, values: Raw, steps: int) -> tuple[Tensor, list[Tensor]]:
    first, second = past or (torch.zeros_like(grad), torch.zeros_like(grad))
    beta1, beta2 = values["beta1"], values["beta2"]
    first, second = beta1 * first + (1 - beta1) * grad, beta2 * second + (1 - beta2) * grad * grad
    corrected = second / (1 - beta2**steps)
    below = torch.where(corrected > 0, corrected, 1.0).sqrt() * (corrected > 0) + 1e-8
    return first / (1 - beta1**steps) / below, [first, second]


def adagrad(grad: Tensor, past: Any, values: Raw, steps: int) -> tuple[Tensor, list[Tensor]]:
    total = grad * grad + (past[0] if past else 0.0)
    return grad / (total.sqrt() + 1e-10), [total]


def rmsprop(grad: Tensor, past: Any, values: Raw, steps: int) -> tuple[Tensor, list[Tensor]]:
    gamma = values["gamma"]
    mean = gamma * (past[0] if past else torch.zeros_like(grad)) + (1 - gamma) * grad * grad
    below = torch.where(mean > 0, mean, 1.0).sqrt() * (mean > 0) + 1e-8
    return grad / below, [mean]


WAYS = {"sgd": sgd, "adam": adam, "adagrad": adagrad, "rmsprop": rmsprop}


def course(
    loss_of: Callable[[list[Tensor], int], Tensor], weights: list[Tensor], levels: list[Level], steps: int
) -> tuple[list[float], list[dict[str, float]]]:
    """Return the loss before every step, and the bottom's hyperparameters after it."""
    losses, values = list[float](), list[dict[str, float]]()
    moved = [each.clone().requires_grad_() for each in weights]
    for number in range(steps):
        loss = loss_of(moved, number)
        asked = [level.raw[key] for level in levels for key in level.learns] if number else []
        found = torch.autograd.grad(loss, [*moved, *asked], allow_unused=True)
        slopes = dict(zip(map(id, asked), found[len(moved) :], strict=True))
        for above, below in reversed(list(zip(levels[1:], levels, strict=False))):
            old = [below.raw[key] for key in below.learns]
            by = [slopes.get(id(raw)) for raw in old]
            here = [raw.detach() for raw in old]
            if any(each is not None for each in by):
                by = [torch.zeros_like(raw) if each is None else each for raw, each in zip(old, by, strict=True)]
                here = above.step(here, by)  # type: ignore[arg-type]
            below.raw |= {key: _tracked(raw) for key, raw in zip(below.learns, here, strict=True)}
        gradients = [torch.zeros_like(w) if g is None else g for w, g in zip(moved, found, strict=False)]
        moved = [_tracked(each) for each in levels[0].step([each.detach() for each in moved], gradients)]
        losses.append(loss.item())
        values.append({key: each.item() for key, each in levels[0].values().items()})
    return losses, values


def _tracked(tensor: Tensor) -> Tensor:
    return tensor if tensor.requires_grad else tensor.requires_grad_()

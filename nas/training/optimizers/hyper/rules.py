"""What does one optimizer do with one number, or with a whole tensor of them? Four rules, as plain arithmetic.

A rule moves x by -rate * direction. The direction, and how it changes with the rule's other hyperparameters, is read
off what the rule remembers, so that no graph is kept. Numbers are floats or tensors; tensors are changed in place.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam

from nas.training.optimizers.hyper.forms import AS_IT_IS, SQUARE, TANH, Form

Number = Any  # a float, or a tensor of them
Memory = dict[str, Number]
Values = Mapping[str, float]  # of the hyperparameters by name


class Rule:
    """One way to follow gradients. `steps` are those that the memory has seen, at least one."""

    defaults: Mapping[str, float] = {}  # of what it has besides the rate
    forms: Mapping[str, Form] = {"rate": AS_IT_IS}  # in which the paper's program learns each

    def names(self, learns: tuple[str, ...]) -> tuple[str, ...]:
        """Return what is remembered where these hyperparameters are learned."""
        raise NotImplementedError

    def remember(self, memory: Memory, gradient: Number, values: Values) -> None:
        """Take in the next gradient."""
        raise NotImplementedError

    def fraction(self, memory: Memory, values: Values, steps: int, eps: float) -> tuple[Number, Number]:
        """Return numerator and denominator of the direction, the latter None where it is 1."""
        raise NotImplementedError

    def slope(self, name: str, memory: Memory, values: Values, steps: int, eps: float) -> Number:
        """Return by how much the direction changes with a hyperparameter, what was remembered before held fast."""
        raise NotImplementedError

    def move(self, weight: Tensor, gradient: Tensor, memory: Memory, values: Values, steps: int, eps: float) -> None:
        """Take in the gradient of weights that have taken `steps` steps, and move them."""
        self.remember(memory, gradient, values)
        above, below = self.fraction(memory, values, steps + 1, eps)
        if below is None:
            weight.add_(above, alpha=-values["rate"])
        else:
            weight.addcdiv_(above, below, value=-values["rate"])

    def direction(self, memory: Memory, values: Values, steps: int, eps: float) -> Number:
        """Return where the latest step went."""
        above, below = self.fraction(memory, values, steps, eps)
        return above if below is None else _divided(above, below)

    def way(self, name: str, memory: Memory, values: Values, steps: int, eps: float) -> Number:
        """Return the direction for the rate, and for another hyperparameter how the direction changes with it."""
        if name == "rate":
            return self.direction(memory, values, steps, eps)
        return self.slope(name, memory, values, steps, eps)


class Momentum(Rule):
    """b = momentum * b + g, and the direction is b."""

    defaults: Mapping[str, float] = {"momentum": 0.0}
    forms: Mapping[str, Form] = {"rate": AS_IT_IS, "momentum": AS_IT_IS}

    def names(self, learns: tuple[str, ...]) -> tuple[str, ...]:
        """Return the buffer, and that of a step before where the momentum is learned."""
        return ("buffer", "before") if "momentum" in learns else ("buffer",)

    def remember(self, memory: Memory, gradient: Number, values: Values) -> None:
        """Take in the next gradient."""
        if "before" in memory:
            memory["before"] = _copied(memory["before"], memory["buffer"])
        memory["buffer"] *= values["momentum"]
        memory["buffer"] += gradient

    def fraction(self, memory: Memory, values: Values, steps: int, eps: float) -> tuple[Number, Number]:
        """Return the buffer."""
        return memory["buffer"], None

    def slope(self, name: str, memory: Memory, values: Values, steps: int, eps: float) -> Number:
        """Return the buffer of a step before."""
        return memory["before"]


class Moments(Rule):
    """m and v are moving means of g and g * g; the direction is m / (sqrt(v) + eps), both without their bias to 0."""

    defaults: Mapping[str, float] = {"beta1": 0.9, "beta2": 0.999}
    forms: Mapping[str, Form] = {"rate": AS_IT_IS, "beta1": TANH, "beta2": TANH}

    def names(self, learns: tuple[str, ...]) -> tuple[str, ...]:
        """Return both moments, and the latest gradient where a beta is learned."""
        return ("m", "v", "gradient") if len(learns) > 1 else ("m", "v")

    def remember(self, memory: Memory, gradient: Number, values: Values) -> None:
        """Take in the next gradient."""
        memory["m"] = _moved(memory["m"], gradient, values["beta1"])
        memory["v"] = _moved_square(memory["v"], gradient, values["beta2"])
        if "gradient" in memory:
            memory["gradient"] = _copied(memory["gradient"], gradient)

    def fraction(self, memory: Memory, values: Values, steps: int, eps: float) -> tuple[Number, Number]:
        """Return m and all that it is divided by."""
        of_m, of_v = 1 - values["beta1"] ** steps, 1 - values["beta2"] ** steps
        return memory["m"], _line(_root(memory["v"]), of_m / math.sqrt(of_v), of_m * eps)

    def move(self, weight: Tensor, gradient: Tensor, memory: Memory, values: Values, steps: int, eps: float) -> None:
        """Take in the gradient and move the weights: by the kernel of torch's own Adam where it can take them."""
        tensors = (weight, gradient, memory["m"], memory["v"])
        if weight.device.type not in ("cpu", "cuda") or not all(each.is_contiguous() for each in tensors):
            super().move(weight, gradient, memory, values, steps, eps)
            return
        count = torch.full((), float(steps), device=weight.device)
        adam(
            [weight], [gradient], [memory["m"]], [memory["v"]], [], [count], fused=True, amsgrad=False,
            beta1=values["beta1"], beta2=values["beta2"], lr=values["rate"], weight_decay=0.0, eps=eps, maximize=False,
        )  # fmt: skip
        if "gradient" in memory:
            memory["gradient"].copy_(gradient)

    def slope(self, name: str, memory: Memory, values: Values, steps: int, eps: float) -> Number:
        """Return the slope by beta1 or beta2; the moments of a step before follow from these and the gradient."""
        beta = values[name]
        bias, m, v, latest = 1 - beta**steps, memory["m"], memory["v"], memory["gradient"]
        grown = steps * beta ** (steps - 1) / (bias * bias)
        if name == "beta1":
            below = _root(v / (1 - values["beta2"] ** steps)) + eps
            return ((m - latest) / (beta * bias) + m * grown) / below
        root = _root(v / bias)
        change = (v - latest * latest) / (beta * bias) + v * grown
        below = (root + eps) * (root + eps)
        return -m / (1 - values["beta1"] ** steps) / below * _ratio(change, 2 * root)


class Sum(Rule):
    """s is the sum of all g * g; the direction is g / (sqrt(s) + eps)."""

    def names(self, learns: tuple[str, ...]) -> tuple[str, ...]:
        """Return the sum and the latest gradient."""
        return ("sum", "gradient")

    def remember(self, memory: Memory, gradient: Number, values: Values) -> None:
        """Take in the next gradient."""
        memory["sum"] += gradient * gradient
        memory["gradient"] = _copied(memory["gradient"], gradient)

    def fraction(self, memory: Memory, values: Values, steps: int, eps: float) -> tuple[Number, Number]:
        """Return the gradient, and the root of the sum."""
        below = _root(memory["sum"])
        below += eps
        return memory["gradient"], below


class MeanSquare(Rule):
    """s is the moving mean of g * g; the direction is g / (sqrt(s) + eps)."""

    defaults: Mapping[str, float] = {"gamma": 0.99}
    forms: Mapping[str, Form] = {"rate": SQUARE, "gamma": TANH}

    def names(self, learns: tuple[str, ...]) -> tuple[str, ...]:
        """Return the mean and the latest gradient."""
        return ("mean", "gradient")

    def remember(self, memory: Memory, gradient: Number, values: Values) -> None:
        """Take in the next gradient."""
        memory["mean"] = _moved_square(memory["mean"], gradient, values["gamma"])
        memory["gradient"] = _copied(memory["gradient"], gradient)

    def fraction(self, memory: Memory, values: Values, steps: int, eps: float) -> tuple[Number, Number]:
        """Return the gradient, and the root of the mean."""
        below = _root(memory["mean"])
        below += eps
        return memory["gradient"], below

    def slope(self, name: str, memory: Memory, values: Values, steps: int, eps: float) -> Number:
        """Return the slope by gamma; the mean of a step before follows from this one and the gradient."""
        latest, root = memory["gradient"], _root(memory["mean"])
        change = (memory["mean"] - latest * latest) / values["gamma"]
        return -latest / ((root + eps) * (root + eps)) * _ratio(change, 2 * root)


RULES: Mapping[str, Rule] = {"sgd": Momentum(), "adam": Moments(), "adagrad": Sum(), "rmsprop": MeanSquare()}


def _copied(old: Number, new: Number) -> Number:
    return old.copy_(new) if isinstance(old, Tensor) else new


def _moved(old: Number, new: Number, keep: float) -> Number:
    return old.lerp_(new, 1 - keep) if isinstance(old, Tensor) else keep * old + (1 - keep) * new


def _moved_square(old: Number, new: Number, keep: float) -> Number:
    if isinstance(old, Tensor):
        return old.mul_(keep).addcmul_(new, new, value=1 - keep)
    return keep * old + (1 - keep) * new * new


def _root(square: Number) -> Number:
    return square.sqrt() if isinstance(square, Tensor) else math.sqrt(max(square, 0.0))


def _line(x: Number, slope: float, more: float) -> Number:
    """Return slope * x + more, in one pass over a tensor, which is spent."""
    if isinstance(x, Tensor):
        return torch.add(x.new_full((), more), x, alpha=slope, out=x)
    return slope * x + more


def _divided(above: Number, below: Number) -> Number:
    """Return the quotient; a tensor that is divided by is spent."""
    return torch.div(above, below, out=below) if isinstance(below, Tensor) else above / below


def _ratio(above: Number, below: Number) -> Number:
    """Return the quotient, 0 where it is divided by 0."""
    if isinstance(below, Tensor):
        return (above / below).masked_fill_(below == 0, 0.0)
    return above / below if below else 0.0

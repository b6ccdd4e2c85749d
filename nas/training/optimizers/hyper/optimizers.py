"""Which four are there, and what do they take? Where nothing learns each moves weights as torch's of the same name.

The hyperparameters move first, then the weights. `group["lr"]` is the schedule's: by as much as it differs from the
one at construction, the learned rate is multiplied. What all four take besides is told by `HyperOptimizer`.
"""

from typing import Any

import torch
from torch import Tensor

from nas.training.optimizers.hyper.base import Group, HyperOptimizer


class SGD(HyperOptimizer):
    """SGD with momentum, whose rate, and if asked momentum, are learned in training."""

    rule, above = "sgd", "sgd:0.2"

    def __init__(
        self, params: Any, lr: float = 1e-3, momentum: float = 0.0, weight_decay: float = 0.0, **learning: Any
    ) -> None:
        """Take weights, and where rate and momentum begin; the decay is added to the gradients, as torch's SGD does.

        A momentum of 0 is none, and does not learn. Raises ValueError for what makes no sense.
        """
        super().__init__(
            params, {"lr": lr, "momentum": momentum}, {"weight_decay": weight_decay, "eps": 0.0}, **learning
        )


class Adam(HyperOptimizer):
    """Adam, whose rate, and if asked betas, are learned in training."""

    rule = "adam"

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        **learning: Any,
    ) -> None:
        """Take weights, and where rate and betas begin; the decay is added to the gradients, as torch's Adam does.

        With `decoupled_weight_decay` it shrinks the weights instead, as in torch's AdamW. A beta of 0 does not learn.
        Raises ValueError for what makes no sense.
        """
        begins = {"lr": lr, "beta1": betas[0], "beta2": betas[1]}
        decoupled = decoupled_weight_decay and weight_decay > 0
        super().__init__(params, begins, {"weight_decay": weight_decay, "eps": eps, "decoupled": decoupled}, **learning)


class AdaGrad(HyperOptimizer):
    """AdaGrad, whose rate is learned in training."""

    rule = "adagrad"

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        **learning: Any,
    ) -> None:
        """Take weights, and where rate and sum of squares begin; the decay is added to the gradients, as torch's does.

        Raises ValueError for what makes no sense.
        """
        fixed = {"weight_decay": weight_decay, "eps": eps, "initial_accumulator_value": initial_accumulator_value}
        super().__init__(params, {"lr": lr}, fixed, **learning)

    def _first(self, weight: Tensor, name: str, group: Group) -> Tensor:
        return torch.full_like(weight, group["initial_accumulator_value"] if name == "sum" else 0.0)


class RMSProp(HyperOptimizer):
    """RMSProp, whose rate, and if asked gamma, are learned in training."""

    rule = "rmsprop"

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        gamma: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        **learning: Any,
    ) -> None:
        """Take weights, and where rate and gamma begin; the decay is added to the gradients, as torch's RMSprop does.

        A gamma of 0 does not learn. Raises ValueError for what makes no sense.
        """
        super().__init__(params, {"lr": lr, "gamma": gamma}, {"weight_decay": weight_decay, "eps": eps}, **learning)

"""An optimizer that learns its rate and its momentum, and a policy that tries rates: as small as can be."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from nas.core.parts import part
from nas.training.optimizers.optimizer import Optimizer
from nas.training.policies.policy import Course, Policy, Running

RATES, STEPS = (0.3, 0.01, 0.03), 2  # that are tried, and for how many steps each
CHOSEN = 2


class Rising(torch.optim.Optimizer):
    """Gradient descent whose rate grows by a tenth in every step; its momentum is only said to be learned."""

    def __init__(self, weights: Iterable[Tensor], lr: float) -> None:
        super().__init__(weights, {"lr": lr, "rate": lr, "momentum": 0.5})

    def hyperparameters(self) -> list[dict[str, float]]:
        return [{"rate": group["rate"], "momentum": group["momentum"]} for group in self.param_groups]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            group["rate"] *= 1.1
            group["momentum"] += 0.01
            factor = group["lr"] / self.defaults["lr"]
            for weight in group["params"]:
                weight.sub_(weight.grad, alpha=group["rate"] * factor)


@part("optimizer", "rising-for-a-test")
@dataclass(frozen=True)
class Learning(Optimizer):
    """An optimizer that learns."""

    hidden: ClassVar[bool] = True
    constructor: ClassVar[Callable[..., torch.optim.Optimizer]] = Rising


@part("policy", "trying-for-a-test")
@dataclass(frozen=True)
class Trying(Policy):
    """Tries RATES first, gives up the first of them, and stays with the one that is CHOSEN."""

    hidden: ClassVar[bool] = True

    def begin(self, training: Course) -> "AtWork":
        return AtWork()


class AtWork(Running):
    def __init__(self) -> None:
        self.begun = 0  # trials

    def before_step(self, training: Course) -> None:
        trial = training.position // STEPS
        self.begun = max(self.begun, min(trial + 1, len(RATES)))
        for group in training.optimizer.param_groups:
            group["lr"] = RATES[trial if trial < len(RATES) else CHOSEN]

    def tried(self) -> list[dict[str, Any]]:
        return [
            {"step": i * STEPS, "rate": rate, "steps": STEPS, "forecast": i / 3 or None, "chosen": i == CHOSEN}
            for i, rate in enumerate(RATES[: self.begun])
        ]

    def state_dict(self) -> dict[str, Any]:
        return {"begun": self.begun}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self.begun = saved["begun"]

"""The checks that outsiders call on their own parts: ours pass them, and each says which promise a bad one breaks."""

import random as chance
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from nas.core import parts
from nas.core.parts import made, part
from nas.core.seeds import generator
from nas.strategies.breeding.variation import Draws, sample
from nas.strategies.lab import Lab
from nas.testing import (
    check_augmentation,
    check_model,
    check_optimizer,
    check_policy,
    check_scheduler,
    check_strategy,
)
from nas.training.augmenting import Augmentation
from nas.training.policies.policy import Course, Policy, Running

CHECKS: dict[str, Callable[[Any], None]] = {
    "strategy": check_strategy, "scheduler": check_scheduler, "model": check_model,
    "augmentation": check_augmentation, "policy": check_policy,
}  # fmt: skip
OURS = [(kind, name) for kind in ("strategy", "scheduler", "model", "augmentation") for name in parts.names(kind)]
SHORT: dict[str, dict[str, Any]] = {"asha": {"max_epochs": 9, "min_epochs": 1, "eta": 3}, "full": {"max_epochs": 9}}
SHORT |= {"halving": SHORT["asha"], "hyperband": SHORT["asha"]}


@pytest.mark.parametrize(("kind", "name"), OURS)
def test_our_own_parts_keep_the_promises(kind: str, name: str) -> None:
    CHECKS[kind](made(kind, {"name": name, **SHORT.get(name, {})}))


@pytest.mark.parametrize("name", ["adamw", "lbfgs"])
def test_our_optimizers_do(name: str) -> None:
    check_optimizer(made("optimizer", name))


@pytest.mark.parametrize("name", ["linear", "cosine", "plateau"])
def test_our_policies_do(name: str) -> None:
    check_policy(made("policy", name))


def draws(lab: Lab, name: str) -> Draws:
    return Draws(lab.space, generator(lab.spec.seed, name))


async def guess(lab: Lab) -> None:
    """As the manual has it."""
    drawn = draws(lab, "guess")
    for number in count():
        config = sample(drawn)
        if not lab.taken(config) and not lab.cheap.broken(config):
            await lab.train(lab.trial(f"guess {number}", config), lab.spec.max_epochs)


async def looks_at_the_clock(lab: Lab) -> None:
    for number in count():
        config = sample(draws(lab, f"{time.monotonic_ns()}"))
        if not lab.cheap.broken(config):
            await lab.train(lab.trial(f"{number}", config), 9)


async def draws_from_the_global_state(lab: Lab) -> None:
    for number in count():
        config = sample(draws(lab, f"{chance.random()}"))
        if not lab.cheap.broken(config):
            await lab.train(lab.trial(f"{number}", config), 9)


async def says_it_twice(lab: Lab) -> None:
    config = next(c for i in count() if not lab.cheap.broken(c := sample(draws(lab, f"{i}"))))
    for number in range(3):
        await lab.train(lab.trial(f"{number}", config), 9)


async def trains_nothing(lab: Lab) -> None:
    pass


def test_a_strategy_of_somebodys_keeps_them() -> None:
    check_strategy(guess)


@pytest.mark.parametrize(
    ("strategy", "told"),
    [
        (looks_at_the_clock, "the same search has another history"),
        (draws_from_the_global_state, "the same search has another history"),
        (says_it_twice, "it trains a configuration twice"),
        (trains_nothing, "it trains nothing"),
    ],
)
def test_a_strategy_that_breaks_one_is_told_which(strategy: Any, told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        check_strategy(strategy)


@part("policy", "forgetful-for-a-test")
@dataclass(frozen=True)
class Forgetful(Policy):
    """Halves every rate at every step it has seen, and does not keep how many those were."""

    hidden: ClassVar[bool] = True

    def begin(self, training: Course) -> Any:
        return Counting()


class Counting(Running):
    def __init__(self) -> None:
        self.seen = 0

    def before_step(self, training: Course) -> None:
        self.seen += 1
        for group in training.optimizer.param_groups:
            group["lr"] = 0.1 / self.seen

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, saved: Any) -> None:
        pass


@part("augmentation", "darkening-for-a-test")
@dataclass(frozen=True)
class Darkening(Augmentation):
    """Makes images darker, those of the caller too."""

    hidden: ClassVar[bool] = True

    def of(self, pixels: Tensor) -> Tensor:
        return pixels.div_(2, rounding_mode="floor")


def test_a_policy_that_forgets_is_told_so() -> None:
    with pytest.raises(AssertionError, match="stopped after 1 steps it goes on otherwise"):
        check_policy(Forgetful())


def test_an_augmentation_that_changes_what_it_is_given_is_told_so() -> None:
    torch.manual_seed(0)
    with pytest.raises(AssertionError, match="the images that it is given are changed themselves"):
        check_augmentation(Darkening())

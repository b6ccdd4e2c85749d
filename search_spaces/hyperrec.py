"""Which hyperparameters train a ResNet best? The nested space of HyperRec: 16 dimensions, 8 to 11 of them active.

Y. Xiao, E. P. Xing and W. Neiswanger, Amortized Auto-Tuning: Cost-Efficient Transfer Optimization for Hyperparameter
Recommendation, arXiv:2106.09179, 2021. Optimizer and scheduler bring their own hyperparameters; gamma has a range for
each scheduler. Rates that derive from another are searched as a factor of it. Schedulers move on once an epoch. The
networks begin untrained.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition, Float, Integer
from ConfigSpace.hyperparameters import Hyperparameter

if TYPE_CHECKING:
    from torch import nn

ADAM, SGD = "Adam", "SGD"
STEP, EXPONENTIAL, CYCLIC, RESTARTS = "StepLR", "ExponentialLR", "CyclicLR", "CosineAnnealingWarmRestarts"

# torchvision's recipe for ImageNet, its rate of 0.1 for batches of 256 as a quarter, its steps of 30 epochs as 20.
DEFAULT = {
    "model": "resnet34", "batch_size": 64, "optimizer": SGD, "lr": 0.025, "sgd_momentum": 0.9, "weight_decay": 1e-4,
    "scheduler": STEP, "step_size": 20, "gamma_step": 0.1,
}  # fmt: skip

_GAMMA = {STEP: "gamma_step", EXPONENTIAL: "gamma_exponential", CYCLIC: "gamma_cyclic"}
_FACTORS = {"max_lr": "max_lr_factor", "eta_min": "eta_min_factor"}  # of lr
_NAMES = ("adam_beta0", "adam_beta1", "sgd_momentum", "step_size", "step_size_up", "t_0", "t_mult")


def space() -> ConfigurationSpace:
    """Return the conditional space; `step_size`, `step_size_up` and `t_0` are epochs."""
    found = ConfigurationSpace(name="hyperrec")
    optimizer, scheduler = Categorical("optimizer", [ADAM, SGD]), Categorical("scheduler", [*_GAMMA, RESTARTS])
    found.add(
        Integer("batch_size", (32, 128)), Categorical("model", ["resnet34", "resnet50"]), optimizer, scheduler,
        Float("lr", (1e-4, 1e-1), log=True), Float("weight_decay", (1e-5, 1e-3), log=True),
    )  # fmt: skip
    conditional: tuple[tuple[Hyperparameter[Any, Any], str, tuple[Hyperparameter[Any, Any], ...]], ...] = (
        (optimizer, ADAM, (Float("adam_beta0", (0.5, 0.999), log=True), Float("adam_beta1", (0.8, 0.999), log=True))),
        (optimizer, SGD, (Float("sgd_momentum", (1e-3, 1.0), log=True),)),
        (scheduler, STEP, (Integer("step_size", (2, 20)), Float("gamma_step", (0.1, 0.5), log=True))),
        (scheduler, EXPONENTIAL, (Float("gamma_exponential", (0.85, 0.999), log=True),)),
        (scheduler, CYCLIC, (
            Float("gamma_cyclic", (0.1, 0.5), log=True), Float("max_lr_factor", (1.1, 1.5)),
            Integer("step_size_up", (1, 10)),
        )),
        (scheduler, RESTARTS, (
            Integer("t_0", (2, 20)), Integer("t_mult", (1, 4)), Float("eta_min_factor", (0.5, 0.9)),
        )),
    )  # fmt: skip
    for parent, value, children in conditional:
        found.add(*children, *(EqualsCondition(child, parent, value) for child in children))
    return found


def optimizer(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the trainer's optimizer."""
    if config["optimizer"] == SGD:
        return {"name": "sgd"}
    return {"name": "adam", "betas": (config["adam_beta0"], config["adam_beta1"])}


def policy(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the trainer's policy. The rate is `lr`, so that factors of it are the policy's own parameters.

    No max_lr exceeds 1, as was asked of them: `lr` is at most 0.1. Beside a cyclic rate the momentum of SGD moves
    between 0.8 and 0.9, as torch has it, and that of Adam stays: the published configurations say so.
    """
    scheduler = config["scheduler"]
    if scheduler == STEP:
        return {"name": "step", "period": config["step_size"], "gamma": config["gamma_step"]}
    if scheduler == EXPONENTIAL:
        return {"name": "exponential", "gamma": config["gamma_exponential"]}
    if scheduler == CYCLIC:
        return {
            "name": "cyclic", "period": 2 * config["step_size_up"], "low": 1.0, "high": config["max_lr_factor"],
            "shape": "exp_range", "gamma": config["gamma_cyclic"], "momentum": config["optimizer"] == SGD,
            "staircase": True,
        }  # fmt: skip
    return {
        "name": "cosine-restarts", "period": config["t_0"], "growth": config["t_mult"],
        "final": config["eta_min_factor"], "staircase": True,
    }  # fmt: skip


TRAINER = {
    "batch_size": "batch_size", "learning_rate": "lr", "weight_decay": "weight_decay", "momentum": "sgd_momentum",
    "optimizer": optimizer, "policy": policy,
}  # fmt: skip


def build(config: Mapping[str, Any], input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """Return torchvision's network: images [n, *input_shape] in, logits [n, num_classes] out. Any size works."""
    from torch import nn

    from nas.data.torchvision_compat import import_torchvision

    model: nn.Module = getattr(import_torchvision().models, config["model"])(num_classes=num_classes)
    if input_shape[0] != 3:
        first = nn.Conv2d(input_shape[0], 64, kernel_size=7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(first.weight, mode="fan_out", nonlinearity="relu")  # as torchvision draws them
        model.conv1 = first
    return model


def published(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a row of HyperRec's `configs.parquet`, where None is inactive."""
    own = {name: row[name] for name in ("batch_size", "model", "optimizer", "scheduler", "lr", "weight_decay")}
    own |= {name: row[name] for name in _NAMES}
    own[_GAMMA.get(row["scheduler"], "")] = row["gamma"]
    own |= {factor: row[rate] / row["lr"] for rate, factor in _FACTORS.items() if row[rate] is not None}
    return {name: value for name, value in own.items() if value is not None}

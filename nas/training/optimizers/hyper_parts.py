"""Which optimizers learn their own rates? Those of nas.training.optimizers.hyper, as parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.optimizers import hyper
from nas.training.optimizers.optimizer import MOMENTUM, Optimizer


@dataclass(frozen=True)
class Hyper(Optimizer):
    """What the four have in common."""

    tower: str | None = parameter(
        None, "levels that learn above it, the next first, such as adam:0.1/adam:0.1; without, one that proved good"
    )
    learn: str = parameter("rate", "which hyperparameters of all levels but the top learn", choices=("rate", "all"))
    guarded: bool = parameter(True, "whether rates are learned as logarithms and in bounds, or as they are (the paper)")
    trust: float = parameter(0.1, "the most that a step is of the norm of the weights", above=0)
    reach: float = parameter(2.0, "times that the learned rate may be above what trust allows", least=1)
    start: float = parameter(0.1, "share of the rate that trust allows, below which it does not begin", least=0)
    clip: float = parameter(1.0, "the most that a level moves by, in units of its rate", above=0)
    share: float = parameter(0.1, "by which momentum, betas and gamma move slower than the rate", least=0)
    span: float = parameter(10.0, "factor in which all but the rate of the weights stay of where they began", least=1)
    bias: float = parameter(0.03, "added to the cosine by which an sgd level raises the rate, against greed", least=0)
    floor: float = parameter(0.03, "least learned rate, as a share of the largest that has lasted", least=0, below=1)
    least_rms: float = parameter(1e-3, "root mean square that smaller weights count as having", least=0)


@part("optimizer", "hyper-sgd")
@dataclass(frozen=True)
class SGD(Hyper):
    """SGD that learns its rate, and if asked its momentum, in training (Chandra et al., NeurIPS 2022)."""

    constructor = hyper.SGD
    fixed: ClassVar[Mapping[str, Any]] = {"momentum": MOMENTUM}


@part("optimizer", "hyper-adam")
@dataclass(frozen=True)
class Adam(Hyper):
    """Adam that learns its rate, and if asked its betas, in training (Chandra et al., NeurIPS 2022)."""

    constructor = hyper.Adam
    betas: tuple[float, float] = parameter((0.9, 0.999), "of the means of gradient and square", least=0, below=1)
    eps: float = parameter(1e-8, "added to what is divided by", least=0)
    decoupled_weight_decay: bool = parameter(False, "whether the decay shrinks the weights, as in AdamW")


@part("optimizer", "hyper-adagrad")
@dataclass(frozen=True)
class AdaGrad(Hyper):
    """AdaGrad that learns its rate in training (Chandra et al., NeurIPS 2022)."""

    constructor = hyper.AdaGrad
    initial_accumulator_value: float = parameter(0.0, "where the sum of the squares begins", least=0)
    eps: float = parameter(1e-10, "added to what is divided by", least=0)


@part("optimizer", "hyper-rmsprop")
@dataclass(frozen=True)
class RMSProp(Hyper):
    """RMSProp that learns its rate, and if asked gamma, in training (Chandra et al., NeurIPS 2022)."""

    constructor = hyper.RMSProp
    gamma: float = parameter(0.99, "of the mean of the square", least=0, below=1)
    eps: float = parameter(1e-8, "added to what is divided by", least=0)

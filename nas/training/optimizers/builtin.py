"""Which optimizers does torch bring? All that train a network of dense weights."""

from typing import Any

import torch

from nas.core.parts import part
from nas.training.optimizers.optimizer import MOMENTUM, Optimizer, derived

# What does not train here, and why.
REFUSED = {
    "muon": "it takes matrices only, and networks have other weights; pytorch-optimizer's is here by that name",
    "sparseadam": "it takes sparse gradients only, which images do not give",
}
_OTHERWISE: dict[str, dict[str, Any]] = {
    "adam": {"fused": True},  # one kernel for all weights
    "adamw": {"fused": True},
    "sgd": {"fused": True, "momentum": MOMENTUM},
}
_LBFGS = {"closure": True, "contiguous": True}


def _all() -> dict[str, type[Optimizer]]:
    found = dict[str, type[Optimizer]]()
    for constructor in vars(torch.optim).values():
        if isinstance(constructor, type) and issubclass(constructor, torch.optim.Optimizer):
            name = constructor.__name__.lower()
            if constructor is not torch.optim.Optimizer and name not in REFUSED:
                facts = {"fixed": _OTHERWISE.get(name, {}), **(_LBFGS if name == "lbfgs" else {})}
                found[name] = part("optimizer", name)(derived(constructor, __name__, **facts))
    return found


OF_TORCH = _all()

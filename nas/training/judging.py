"""How is a network put into evaluation mode, such that it trains on as if nothing had been?"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def evaluating(model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[nn.Module]:
    """Yield the network in evaluation mode.

    Some optimizers train other weights than those that are good: they have an `eval`.
    """
    averaged, others = hasattr(optimizer, "eval"), dict[str, Tensor]()
    averaging: Any = optimizer
    model.eval()
    if averaged:
        others = {name: weight.detach().clone() for name, weight in model.named_parameters()}
        averaging.eval()
    try:
        yield model
    finally:
        if averaged:
            averaging.train()
            model.load_state_dict(others, strict=False)
        model.train()

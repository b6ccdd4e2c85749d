"""Which weights are judged where the mean of them is asked for? Its decay a step is the recipe's "ema"."""

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nas.core.errors import UserError


class Average(AveragedModel):
    """The exponential moving average of a network, in evaluation mode; `module` is the network of it.

    What batch normalisation counts is averaged with the weights that it fits. The average begins with the weights after
    the first step. B. T. Polyak and A. B. Juditsky, Acceleration of Stochastic Approximation by Averaging, 1992.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, decay: float) -> None:
        """Raise UserError for an optimizer that averages weights itself."""
        if hasattr(optimizer, "eval"):
            raise UserError(f"{type(optimizer).__name__} averages the weights itself: leave ema out of the recipe")
        super().__init__(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)  # type: ignore[no-untyped-call]
        self.requires_grad_(False).eval()

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take in the weights after a step."""
        super().update_parameters(model)
        for own, latest in zip(self.module.buffers(), model.buffers(), strict=True):
            if not own.is_floating_point():
                own.copy_(latest)  # a count has no mean

"""How is a step of several processes, each on its share of a batch, the step of one process on all of it?"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from torch.overrides import TorchFunctionMode

from nas.training.recipe import Recipe
from nas.training.together.group import sharing

Advance = Callable[[Tensor, Tensor], Tensor]  # trains on pixels and labels of a batch and returns the loss


class Shared(DistributedDataParallel):
    """A network whose gradients are averaged over the processes in the backward pass.

    Weights that a step does not use are looked for: they have no gradient, as in one process, and gradients are added
    up in the same order in every step, also in the first after a training was stopped.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model, find_unused_parameters=True)


def advancing(
    step: Callable[..., Tensor], model: nn.Module, optimizer: torch.optim.Optimizer, recipe: Recipe
) -> Advance:
    """Return what takes a step of the model on a batch, or on this process's share of one."""
    if sharing().count == 1:
        return partial(step, model, optimizer, recipe)
    taken = partial(step, Shared(model), optimizer, recipe)

    def advance(pixels: Tensor, labels: Tensor) -> Tensor:
        with WholeBatches():
            return taken(pixels, labels)

    return advance


def mean_of_all(model: nn.Module, loss: Tensor, count: int) -> Tensor:
    """Return the mean loss of all images of a step, of which `count` are this process's, with the mean `loss`.

    Derived, it gives the gradient of that mean once it is averaged over the processes, however uneven the shares.
    """
    if not isinstance(model, Shared):
        return loss
    totals = torch.stack([loss.detach() * count, torch.full_like(loss.detach(), count)])
    distributed.all_reduce(totals)
    own = loss * (count * sharing().count / totals[1])
    return totals[0] / totals[1] + (own - own.detach())


def fewest(model: nn.Module, labels: Tensor) -> int:
    """Return how many images the process has that has the fewest of a step, with the `labels` of this one's."""
    if not isinstance(model, Shared):
        return len(labels)
    count = torch.tensor(len(labels), device=labels.device)
    distributed.all_reduce(count, distributed.ReduceOp.MIN)
    return int(count)


def one_of_many(model: nn.Module, last: bool) -> AbstractContextManager[None]:
    """Return what holds while a step goes through a part of its images: all gradients travel at the last one."""
    if last or not isinstance(model, Shared):
        return nullcontext()
    waiting: AbstractContextManager[None] = model.no_sync()
    return waiting


class _Sum(torch.autograd.Function):
    """The sum over the processes, which hangs on the values of each alike."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        return _Sum.forward(context, *gradients)


def _sum_over_all(values: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]
    return total


class WholeBatches(TorchFunctionMode):
    """Batch normalisation in the block is by the mean and variance of the images of all processes.

    It acts where modules call torch.nn.functional.batch_norm: the network stays what it is, and so does its state.
    """

    def __torch_function__(
        self, function: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Return function(*args, **kwargs)."""
        return (batch_norm if function is functional.batch_norm else function)(*args, **(kwargs or {}))


def batch_norm(
    images: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Return what torch.nn.functional.batch_norm does, [n, channels, ...], by the images of all processes."""
    if not training:
        return functional.batch_norm(images, running_mean, running_var, weight, bias, False, momentum, eps)
    if images.is_cuda:
        from torch.nn.modules._functions import SyncBatchNorm  # what torch.nn.SyncBatchNorm does, which takes no CPU

        group = distributed.group.WORLD
        normalised: Tensor = SyncBatchNorm.apply(  # type: ignore[no-untyped-call]
            images, weight, bias, running_mean, running_var, eps, momentum, group, sharing().count
        )
        return normalised
    values = images.to(torch.promote_types(images.dtype, torch.float32))
    dims = [0, *range(2, values.ndim)]
    variance, mean = torch.var_mean(values, dims, correction=0)
    own = torch.full_like(mean[:1], values.numel() // values.shape[1])  # values of a channel
    totals = _sum_over_all(torch.cat([own * mean, own]))
    count, whole_mean = totals[-1].detach(), totals[:-1] / totals[-1].detach()
    whole_variance = _sum_over_all((variance + (mean - whole_mean) ** 2) * (own / count))
    if running_mean is not None and running_var is not None:
        running_mean.lerp_(whole_mean.detach(), momentum)
        running_var.lerp_(whole_variance.detach() * (count / (count - 1)), momentum)
    across = [1, -1] + [1] * (values.ndim - 2)
    scale = torch.rsqrt(whole_variance + eps) * (1 if weight is None else weight)
    shift = 0 if bias is None else bias.view(across)
    return ((values - whole_mean.view(across)) * scale.view(across) + shift).to(images.dtype)

"""Which images, predictions and random numbers are a process's own, where several train one network?"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, distributed

from nas.core.errors import UserError
from nas.core.seeds import seed
from nas.training.measuring import Predictions
from nas.training.recipe import Recipe
from nas.training.together.group import sharing


def check(recipe: Recipe, images: int, recorded: bool) -> None:
    """Raise UserError where a training on so many images cannot be shared by the processes at hand."""
    count = sharing().count
    if count == 1:
        return
    if min(recipe.batch_size, images) < count:
        raise UserError(
            f"{count} processes cannot share batches of {min(recipe.batch_size, images)}: each needs an image of "
            "every batch; start fewer or raise the batch size"
        )
    if recipe.optimizer.create_graph:
        raise UserError(
            f"the optimizer {recipe.optimizer.name} derives gradients once more, which several processes cannot do "
            "together: start one"
        )
    if recorded:
        raise UserError("recorded steps cannot be taken by several processes together: leave --cuda-graphs out")


def own(order: Tensor, batch_size: int) -> tuple[Tensor, int]:
    """Return this process's share of `order`, which comes in batches, and how many of a whole batch are its own."""
    group = sharing()
    if group.count == 1 or not len(order):
        return order, batch_size
    shares = [batch.tensor_split(group.count)[group.rank] for batch in torch.split(order, batch_size)]
    return torch.cat(shares), len(shares[0])


def in_shares(predict: Callable[[Tensor], Predictions], indices: Tensor) -> Predictions:
    """Return predict(indices), of which each process does a share; all of it is the same in every process."""
    group = sharing()
    if group.count == 1:
        return predict(indices)
    size = math.ceil(len(indices) / group.count)
    filled = torch.cat([indices, indices[-1:].expand(size * group.count - len(indices))])  # shares are of one size
    found = predict(filled[group.rank * size :][:size])
    return Predictions(_of_all(found.logits)[: len(indices)], _of_all(found.labels)[: len(indices)])


def _of_all(values: Tensor) -> Tensor:
    gathered = [torch.empty_like(values) for _ in range(sharing().count)]
    distributed.all_gather(gathered, values)
    return torch.cat(gathered)


def drawn_by(key: tuple[int | str, ...], epoch: int, step: int) -> int | None:
    """Return the seed of a step of an epoch; None where its draws go on from those of the step before.

    Processes that train together have other draws each, and need not keep where they are in them.
    """
    group = sharing()
    if group.count > 1:
        return seed(*key, epoch, step, group.rank, "dropout")
    return None if step else seed(*key, epoch, "dropout")

"""How is a network trained and evaluated? One visible loop."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from nas.core.errors import Diverged, UserError
from nas.core.seeds import seed
from nas.data.images import Images
from nas.training.metrics import Predictions
from nas.training.recorded import Advance

_EVALUATION_BATCH = 512


@dataclass(frozen=True)
class Recipe:
    """The trainer's own hyperparameters; a space names those it searches in its TRAINER."""

    learning_rate: float = 1e-3
    batch_size: int = 64
    optimizer: str = "adamw"
    weight_decay: float | None = None  # of its own, torch gives adamw 0.01 and the others none
    momentum: float = 0.9
    label_smoothing: float = 0.0
    schedule: str = "linear"
    centred: bool = True  # pixels in -1 .. 1, else in 0 .. 1
    bfloat16: bool = False  # steps on a CPU, too; on a GPU they always are

    @classmethod
    def of(cls, config: Mapping[str, Any], trainer: Mapping[str, str], fixed: Mapping[str, Any]) -> "Recipe":
        """Return the `fixed` settings, with those of `config` that `trainer` maps fields of the recipe to.

        Raises UserError for a setting that the trainer lacks.
        """
        known = {field.name for field in fields(cls)}
        for name in (*trainer, *fixed):
            if name not in known:
                raise UserError(f"the trainer has no setting {name!r}: it has {', '.join(sorted(known))}")
        return cls(**{**fixed, **{name: config[source] for name, source in trainer.items() if source in config}})


def make_optimizer(model: nn.Module, recipe: Recipe, recordable: bool = False) -> torch.optim.Optimizer:
    """Return the recipe's optimizer over the parameters of `model`, all on one device.

    Where it is to be `recordable` it keeps its steps and its learning rate in tensors there.
    """
    parameters = list(model.parameters())
    decay: dict[str, Any] = {} if recipe.weight_decay is None else {"weight_decay": recipe.weight_decay}
    rate = torch.tensor(recipe.learning_rate, device=parameters[0].device) if recordable else recipe.learning_rate
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, fused=True, capturable=recordable, **decay)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=rate, fused=True, capturable=recordable, **decay)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=rate, momentum=recipe.momentum, fused=True, **decay)
    raise UserError(f"unknown optimizer {recipe.optimizer!r}: choose one of adamw, adam, sgd")


def learning_rate(recipe: Recipe, progress: float) -> float:
    """Return the rate after a share `progress` of the full training: constant, or falling linearly to 0."""
    factors = {"constant": 1.0, "linear": 1 - progress}
    if recipe.schedule not in factors:
        raise UserError(f"unknown schedule {recipe.schedule!r}: choose one of {', '.join(factors)}")
    return recipe.learning_rate * factors[recipe.schedule]


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step go by `rate`."""
    group = optimizer.param_groups[0]
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(rate)  # in place, where a recorded step reads it
    else:
        group["lr"] = rate


def step(model: nn.Module, optimizer: torch.optim.Optimizer, recipe: Recipe, pixels: Tensor, labels: Tensor) -> Tensor:
    """Take a step on a batch; return its loss."""
    with _precision(pixels.device, recipe.bfloat16):
        loss = functional.cross_entropy(
            model(scaled(pixels, recipe.centred)), labels, label_smoothing=recipe.label_smoothing
        )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach()


def train_epoch(
    advance: Advance,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Images,
    indices: Tensor,
    recipe: Recipe,
    epoch: int,
    full_epochs: int,
    key: tuple[int | str, ...],
) -> float:
    """Train epoch number `epoch`, counted from 0, of `full_epochs` on the images numbered `indices` by `advance`.

    Returns the mean loss; raises Diverged when it is not finite.

    All randomness, order and dropout alike, is reseeded by `key` and epoch, so an epoch is the same whatever came
    before it in the process.
    """
    device = next(model.parameters()).device
    model.train()
    order = indices[torch.randperm(len(indices), generator=torch.Generator().manual_seed(seed(*key, epoch, "order")))]
    if len(order) % recipe.batch_size == 1 and len(order) > 1:
        order = order[:-1]  # batch normalisation cannot take a batch of one image
    torch.manual_seed(seed(*key, epoch, "dropout"))
    total = torch.zeros((), device=device)
    steps = math.ceil(len(order) / recipe.batch_size)
    for i, (pixels, labels) in enumerate(images.batches(order, recipe.batch_size, device)):
        set_learning_rate(optimizer, learning_rate(recipe, (epoch + i / steps) / full_epochs))
        total += advance(pixels, labels) * len(labels)
    mean = total.item() / len(order)
    if not math.isfinite(mean):
        raise Diverged(f"the training loss is {mean}")
    return mean


@torch.inference_mode()
def predict(model: nn.Module, images: Images, indices: Tensor, recipe: Recipe) -> Predictions:
    """Return the logits of the images numbered `indices`, with their labels."""
    device = next(model.parameters()).device
    model.eval()
    logits, labels = [], []
    for pixels, truth in images.batches(indices, _EVALUATION_BATCH, device):
        with _precision(device):
            logits.append(model(scaled(pixels, recipe.centred)).float())
        labels.append(truth)
    return Predictions(torch.cat(logits), torch.cat(labels))


def scaled(pixels: Tensor, centred: bool) -> Tensor:
    """Return uint8 images as floats in -1 .. 1 or 0 .. 1, channels last where there are several."""
    values = pixels.to(memory_format=torch.channels_last).float()
    return values.mul_(2 / 255).sub_(1) if centred else values.div_(255)


def _precision(device: torch.device, on_a_cpu: bool = False) -> torch.autocast:
    """bfloat16 where it helps: on a GPU, and on a CPU that has units for it; one without is 25 times slower with it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=on_a_cpu or device.type == "cuda")

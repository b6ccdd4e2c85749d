"""How does a network learn from one batch, and what does it predict?"""

import math
import warnings

import torch
from torch import Tensor, nn

from nas.data.images import Images
from nas.training.draws import Draws
from nas.training.inputs import paired, scaled
from nas.training.measuring import Predictions
from nas.training.recipe import Recipe
from nas.training.together.shared import fewest, mean_of_all, one_of_many

_EVALUATION_BATCH, _EVALUATION_PIXELS = 512, 2**23  # images at a time; fewer that are large, for want of memory
# A step lets go of gradients that hold on to their graph, which torch warns of.
warnings.filterwarnings("ignore", r"Using backward\(\) with create_graph=True")


def step(model: nn.Module, optimizer: torch.optim.Optimizer, recipe: Recipe, pixels: Tensor, labels: Tensor) -> Tensor:
    """Take a step on a batch; return its loss before it."""
    if recipe.optimizer.closure:
        return _step_with_closure(model, optimizer, recipe, pixels, labels)
    loss = _gradients(model, optimizer, recipe, pixels, labels)
    optimizer.step()
    if recipe.optimizer.create_graph:
        optimizer.zero_grad(set_to_none=True)  # such gradients hold on to their graph, and that to them
    return loss


def _step_with_closure(
    model: nn.Module, optimizer: torch.optim.Optimizer, recipe: Recipe, pixels: Tensor, labels: Tensor
) -> Tensor:
    """Do the same with an optimizer that asks for the loss itself, as often as it likes: always by the same dropout."""
    draws, losses = Draws(pixels.device), list[Tensor]()
    before = draws.now()

    def closure() -> Tensor:
        if losses:
            draws.rewind(before)
        with torch.enable_grad():
            losses.append(_gradients(model, optimizer, recipe, pixels, labels))
        return losses[-1]

    optimizer.step(closure)  # type: ignore[arg-type]
    return losses[0]


def _gradients(
    model: nn.Module, optimizer: torch.optim.Optimizer, recipe: Recipe, pixels: Tensor, labels: Tensor
) -> Tensor:
    """Leave the gradients of the loss on a batch with the weights; return the loss.

    Where the recipe says so they are those of its parts, added up: but for rounding the same, unless the network draws
    or normalises by batch. Then a part is normalised by its own images.
    """
    optimizer.zero_grad(set_to_none=True)
    batch, count = paired(pixels, labels, recipe.mixup), 1
    if recipe.micro_batch is not None:
        count = math.ceil(fewest(model, labels) / recipe.micro_batch)
    losses = list[Tensor]()
    for number, part in enumerate(batch.parts(count), 1):
        with one_of_many(model, last=number == count):
            with _precision(pixels.device, recipe.bfloat16):
                loss = part.loss(model(part.inputs(recipe.centred)), recipe.label_smoothing)
            if count > 1:
                loss = loss * (len(part) / len(labels))
            loss = mean_of_all(model, loss, len(labels))
            loss.backward(create_graph=recipe.optimizer.create_graph)  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
    if recipe.gradient_clipping is not None:
        nn.utils.clip_grad_norm_(model.parameters(), recipe.gradient_clipping)
    return torch.stack(losses).sum() if count > 1 else losses[0]


@torch.inference_mode()
def predict(model: nn.Module, images: Images, indices: Tensor, centred: bool) -> Predictions:
    """Return the logits of the images numbered `indices`, with their labels; `model` is in evaluation mode."""
    device = next(model.parameters()).device
    logits, labels = [], []
    height, width = images.shape[1:]
    size = max(1, min(_EVALUATION_BATCH, _EVALUATION_PIXELS // (height * width)))
    for pixels, truth in images.batches(indices, size, device):
        with _precision(device):
            logits.append(model(scaled(pixels, centred)).float())
        labels.append(truth)
    return Predictions(torch.cat(logits), torch.cat(labels))


def _precision(device: torch.device, on_a_cpu: bool = False) -> torch.autocast:
    """bfloat16 where it helps: on a GPU, and on a CPU that has units for it; one without is 25 times slower with it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=on_a_cpu or device.type == "cuda")

"""How does a configuration become a trained network?"""

import gc
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from nas.core.errors import UserError
from nas.core.seeds import seed
from nas.data.images import Images
from nas.spaces.space import Space
from nas.training.loop import Recipe, make_optimizer, step, train_epoch
from nas.training.recorded import Advance, Recorded

_SHARED = 0.9  # of a GPU's memory; every process takes some for itself


@dataclass
class Fit:
    """A network in training: its step, model, optimizer, what it trains on, and the key its randomness hangs on."""

    advance: Advance
    model: nn.Module
    optimizer: torch.optim.Optimizer
    recipe: Recipe
    images: Images
    indices: Tensor
    key: tuple[int | str, ...]
    full_epochs: int

    def train(self, start: int, stop: int) -> list[float]:
        """Train epochs `start` (counted from 0) up to `stop`; return the mean loss of each. Raises Diverged."""
        what = (self.advance, self.model, self.optimizer, self.images, self.indices, self.recipe)
        return [train_epoch(*what, epoch, self.full_epochs, self.key) for epoch in range(start, stop)]

    def release(self) -> None:
        """Give back what only training needs."""
        if isinstance(self.advance, Recorded):
            self.advance.release()


def begin(
    space: Space,
    config: dict[str, Any],
    images: Images,
    indices: Tensor,
    key: tuple[int | str, ...],
    full_epochs: int,
    device: str,
    recorded: bool = False,
) -> Fit:
    """Return the untrained network of `config`, its weights drawn by `key`, on `device`.

    `full_epochs` is how long a full training takes, which the learning rate depends on. `recorded` steps are launched
    as a whole, on a GPU only.
    """
    torch.manual_seed(seed(*key, "weights"))
    model = space.build(config, images.shape, len(images.classes))
    model = model.to(torch.device(device), memory_format=torch.channels_last)  # type: ignore[call-overload]
    recipe = Recipe.of(config, space.trainer, space.recipe)
    optimizer = make_optimizer(model, recipe, recorded)
    advance: Advance = partial(step, model, optimizer, recipe)
    if recorded:
        advance = Recorded(advance, recipe.batch_size)
    return Fit(advance, model, optimizer, recipe, images, indices, key, full_epochs)


def choose_device(name: str) -> str:
    """Return "cpu" or "cuda"; auto means a GPU where there is one. Raises UserError where it is asked for in vain."""
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UserError("--device cuda: torch sees no GPU here; use --device cpu or install a CUDA build of torch")
    return name if name != "auto" else "cuda" if available else "cpu"


def visible_gpus() -> tuple[str, ...]:
    """Return the GPUs that this process may use, each as CUDA_VISIBLE_DEVICES names it."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return tuple(named.split(",")) if named else tuple(str(i) for i in range(torch.cuda.device_count()))


def be_deterministic() -> None:
    """Make torch give the same bits on the same GPU model, driver and version; to be called before CUDA is used."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False


def share_memory(processes: int) -> None:
    """Take no more of a GPU than one of so many `processes` may: it must not depend on the others what has room."""
    if torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(_SHARED / processes)


def free_memory() -> None:
    """Give back what an ended trial held."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def mean(metrics: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each metric over folds."""
    return {name: sum(m[name] for m in metrics) / len(metrics) for name in metrics[0]}

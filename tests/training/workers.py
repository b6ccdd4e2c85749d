"""What two processes of torchrun do for test_together.py. The first writes what it found to the folder that is given.

Run as `python -m torch.distributed.run ... -m tests.training.workers FOLDER`.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from ConfigSpace import ConfigurationSpace
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from nas.core.errors import UserError
from nas.data import load
from nas.data.images import resident
from nas.runs.checkpoints import measured
from nas.spaces.space import Space
from nas.training import state, together
from nas.training.pieces import Piece
from nas.training.task import ImageTask
from nas.training.together import group
from nas.training.together.shared import WholeBatches
from nas.training.training import Training
from tests.training.tiny import run

RECIPES: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd", "learning_rate": 0.05, "gradient_clipping": 1.0},
    "adamw": {"ema": 0.8, "policy": {"name": "plateau", "held_out": 0.2, "patience": 0, "threshold": 0.9}},
    "lbfgs": {"optimizer": {"name": "lbfgs", "max_iter": 3}, "learning_rate": 0.1},
    "in parts": {"optimizer": "adam", "learning_rate": 0.02, "micro_batch": 3},
    "autolrs": {"policy": {"name": "autolrs", "candidates": 2, "probe": 2, "stages": 2, "stage": 0.2}},
}
COUNT, BATCH = 107, 16  # images: the last batch has 11, of which a process has one more than the other
EPOCHS = 3
TRIAL: dict[str, Any] = {
    "learning_rate_init": 2e-3, "batch_size": 64, "kernel_size": 3, "use_BN": True, "global_avg_pooling": True,
    "dropout_rate": 0.2, "n_conv_layers": 1, "n_channels_conv_0": 8, "n_fc_layers": 1, "n_channels_fc_0": 16,
}  # fmt: skip


class Precise(nn.Sequential):
    """Layers in float64, in which rounding does not grow to what a mistake would be."""

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = super().forward(pixels.double())
        return logits


def build(config: dict[str, Any], shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Return a network that normalises planes and rows unless it is `bare`, and has a weight that no step uses."""
    layers = nn.Sequential(
        nn.Conv2d(shape[0], 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 12, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 8, bias=False), nn.BatchNorm1d(8), nn.Linear(8, classes),
    )  # fmt: skip
    layers[0].register_parameter("unused", nn.Parameter(torch.ones(3)))
    if config["bare"]:
        layers = nn.Sequential(*(layer for layer in layers if not isinstance(layer, BatchNorm)))
    return Precise(*layers).double() if config["precise"] else layers


def training(recipe: dict[str, Any], precise: bool, build: Callable[..., nn.Module] = build) -> Training:
    """Return the training at its beginning, on images whose class can be seen."""
    labels = torch.arange(COUNT + 11) % 4
    pixels = torch.randint(128, (len(labels), 2, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for label in range(4):
        pixels[labels == label, 0, label * 2 : label * 2 + 2] += 100
    images = resident("striped", "train", tuple("abcd"), pixels, labels)
    pieces = {
        "training": Piece(images, torch.arange(COUNT)),
        "validation": Piece(images, torch.arange(COUNT - 6, len(labels))),
    }
    space = Space("small", ConfigurationSpace(), build, {}, recipe={"batch_size": BATCH, **recipe})
    config = {"precise": precise, "bare": "micro_batch" in recipe}  # parts are normalised apart
    return Training.begin(space, config, pieces, (3, "fold", 0), EPOCHS)


def trained(recipe: dict[str, Any], precise: bool = True) -> dict[str, Any]:
    """Return what comes of the training, and its digest in every process."""
    done = training(recipe, precise)
    run(done, EPOCHS * done.steps_per_epoch)
    found = {"model": done.model.state_dict(), "losses": done.losses, "metrics": done.validate("validation")}
    return found | {"digests": from_all(digest(done)), "all metrics": from_all(found["metrics"])}


def digest(training: Training) -> str:
    """Return a digest of weights and optimizer, and of the losses of the epochs."""
    kept = [training.model.state_dict(), training.optimizer.state_dict(), training.losses]
    content, tensors = state.encoded(kept, "state")
    found = hashlib.sha256(json.dumps(content).encode())
    for name in sorted(tensors):
        found.update(tensors[name].contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def from_all(value: Any) -> list[Any]:
    """Return the value of every process."""
    if together.sharing().count == 1:
        return [value]
    values = [None] * together.sharing().count
    distributed.all_gather_object(values, value)
    return values


def task(max_epochs: int = 9, data: str = "digits", **more: Any) -> ImageTask:
    return ImageTask(data, None, "cnn", 1, 0, max_epochs, "cpu", 1, **more)


def trial(folder: Path, config: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return what four epochs of a configuration come to."""
    checkpoint = folder / "trial" / "4" / "state"
    together.sharing().from_first(lambda: checkpoint.parent.mkdir(parents=True, exist_ok=True))
    return task(**more)(config, epochs=4, start=0, seed=7, checkpoint=checkpoint)


def drawing(kept: Path) -> list[list[float]]:
    """Return what the networks of all processes draw in eight steps, stopped after the third and continued."""
    drawn = list[float]()

    class Drawing(nn.Linear):
        def forward(self, pixels: Tensor) -> Tensor:
            drawn.append(torch.rand(()).item())
            return super().forward(pixels.flatten(1))

    def linear(config: dict[str, Any], shape: tuple[int, int, int], classes: int) -> nn.Module:
        return Drawing(shape[0] * shape[1] * shape[2], classes)

    whole, half, other = (training({}, False, linear) for _ in range(3))
    run(whole, 8)
    other.load_state_dict(run(half, 3).state_dict())
    run(other, 8)
    return from_all(drawn)


def opened(folder: Path) -> list[list[str]]:
    """Return which files of the data set each process opens in an epoch."""
    images = load(str(folder), "train", 8, resident_bytes=0)
    assert images.pixels is None
    space = Space("small", ConfigurationSpace(), build, {}, recipe={"batch_size": 8})
    of_epoch = Training.begin(
        space, {"precise": False, "bare": False}, {"training": Piece(images, torch.arange(len(images)))}, (1,), 1
    )
    with audited("open") as events:
        run(of_epoch, of_epoch.steps_per_epoch)
    return from_all(sorted({Path(path).name for path, *_ in events if str(path).endswith(".png")}))


def normalised() -> dict[str, list[float]]:
    """Return by how much all that batch normalisation gives is off, each process having its share of the rows."""
    whole = torch.randn(7, 3, 5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 3 + 20
    mine = whole.tensor_split(2)[together.current().rank]
    kinds = {
        "planes": (nn.BatchNorm2d(3), whole, mine),
        "rows": (nn.BatchNorm1d(3), whole[:, :, 0, 0], mine[:, :, 0, 0]),
        "plain": (nn.BatchNorm2d(3, affine=False, momentum=None), whole, mine),
        "without running means": (nn.BatchNorm2d(3, track_running_stats=False), whole, mine),
    }
    return {name: _off(module.double(), *values) for name, (module, *values) in kinds.items()}


def _off(module: nn.Module, whole: Tensor, mine: Tensor) -> list[float]:
    def passed(values: Tensor) -> tuple[Tensor, ...]:
        leaf = values.clone().requires_grad_()
        out = module(leaf)
        module.zero_grad()
        (out**3).sum().backward()
        gradients = [weight.grad.clone() for weight in module.parameters() if weight.grad is not None]
        return out.detach(), leaf.grad if leaf.grad is not None else leaf, *gradients

    before = {name: value.clone() for name, value in module.state_dict().items()}
    expected, buffers = passed(whole), [value.clone() for value in module.buffers()]
    module.load_state_dict(before)
    with WholeBatches():
        out, gradient, *gradients = passed(mine)
    for each in gradients:
        distributed.all_reduce(each)
    rank = together.current().rank
    found = [out, gradient, *gradients, *module.buffers()]
    right = [*(each.tensor_split(2)[rank] for each in expected[:2]), *expected[2:], *buffers]
    return [float((one.double() - other.double()).abs().max()) for one, other in zip(found, right, strict=True)]


@contextmanager
def audited(*names: str) -> Iterator[list[tuple[Any, ...]]]:
    """Yield what Python does in the block that goes by these names of audit events."""
    events, listening = list[tuple[Any, ...]](), [True]
    sys.addaudithook(lambda event, args: events.append(args) if listening and event in names else None)
    try:
        yield events
    finally:
        listening.clear()


def touched(folder: Path) -> tuple[dict[str, Any], list[list[str]]]:
    """Return what comes of a trial that is kept after every step, and what each process changed on disk."""
    names = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree")
    with audited(*names) as events:
        found = trial(folder, TRIAL, save_every=0.0)
    return found, from_all([str(path) for path, *_ in events if str(folder) in str(path)])


def fail() -> None:
    raise RuntimeError("this goes wrong everywhere")


def error_of(function: Callable[[], object]) -> str:
    """Return what the function raises, in words."""
    try:
        function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def alone(rank: int) -> None:
    """Fail in one process, while the others wait for it."""
    group.PATIENCE = timedelta(seconds=1)
    if together.current().rank == rank:
        raise UserError("this process has no such file")
    from_all(None)


def everything(leader: together.Together, folder: Path) -> None:
    """Do all that a test asks of two processes; in the end one of them fails alone.

    NAS_FAULT kills both in the trial that is first; torchrun starts them again, without it.
    """
    continued = leader.call(trial, folder / "killed", TRIAL, save_every=0.0)
    found: dict[str, Any] = {name: leader.call(trained, recipe) for name, recipe in RECIPES.items()}
    found["float32"] = leader.call(trained, RECIPES["sgd"], precise=False)
    found["trial"] = leader.call(trial, folder / "b", TRIAL | {"dropout_rate": 0.0})
    found["dropout"], found["changed"] = leader.call(touched, folder / "a")
    found["continued"] = (continued, *(measured(folder / each / "trial" / "4" / "state") for each in ("killed", "a")))
    found["errors"] = [
        error_of(lambda: leader.call(trained, {"learning_rate": 1e38, "optimizer": "sgd"}, False)),
        error_of(lambda: leader.call(trained, {"batch_size": 1})),
        error_of(lambda: leader.call(trained, {"optimizer": "adahessian"})),
        error_of(lambda: leader.call(fail)),
    ]
    found["drawn"] = leader.call(drawing, folder)
    found["opened"] = leader.call(opened, folder / "data")
    found["normalised"] = leader.call(normalised)
    torch.save(found, folder / "found")
    leader.call(alone, 1)


def main(folder: Path) -> None:
    if os.environ["TORCHELASTIC_RESTART_COUNT"] == "1":
        del os.environ["NAS_FAULT"]
    torch.set_num_threads(1)
    processes = together.begin("cpu")
    if not processes.first:
        processes.follow()
        return
    try:
        everything(processes, folder)
    finally:
        processes.dismiss()


if __name__ == "__main__":
    from tests.training import workers  # what is sent to the other is a function of this module by its name

    workers.main(Path(sys.argv[1]))

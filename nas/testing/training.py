"""What does an optimizer, a policy or an augmentation promise? Tried on a tiny network, in milliseconds."""

import json
from collections.abc import Mapping
from typing import Any

import torch
from ConfigSpace import ConfigurationSpace
from torch import Tensor, nn

from nas.data.images import resident
from nas.spaces.space import Space
from nas.training.augmenting import Augmentation
from nas.training.encoding import decoded, encoded
from nas.training.optimizers.optimizer import Optimizer
from nas.training.pieces import Piece
from nas.training.policies.policy import Policy
from nas.training.recipe import Recipe
from nas.training.resuming import difference
from nas.training.training import Training

_EPOCHS, _STEPS, _COUNT = 4, 3, 10  # of the training, of an epoch, of images


def check_optimizer(optimizer: Optimizer, **recipe: Any) -> None:
    """Raise AssertionError where a training with this optimizer cannot be stopped and continued to the bit.

    `recipe` are settings of the trainer beside it, such as `learning_rate`.
    """
    settings = Recipe.of({}, {}, {**recipe, "optimizer": optimizer})
    for stop in range(1, 6):
        broken = difference(settings, stop, 6)
        assert not broken, f"stopped after {stop} steps: {broken}"


def check_policy(policy: Policy, **recipe: Any) -> None:
    """Raise AssertionError where a training with this policy cannot be stopped and continued to the bit.

    Nor may it change the ratios of the learning rates of several groups of weights.
    """
    settings = {"optimizer": "sgd", **recipe, "policy": policy}
    _check_stops(settings)
    training = _tiny(settings)
    groups = training.optimizer.param_groups
    half = len(groups[0]["params"]) // 2
    training.optimizer.add_param_group({**groups[0], "params": [groups[0]["params"].pop() for _ in range(half)]})
    groups[1]["lr"] = groups[1]["initial_lr"] = groups[0]["lr"] / 8
    training.policy = policy.begin(training)
    for _ in _run(training, _EPOCHS * _STEPS):
        first, second = (float(group["lr"]) for group in groups)
        assert abs(first - 8 * second) <= 1e-6 * abs(first), f"a rate an eighth of another is {second} beside {first}"


def check_augmentation(augmentation: Augmentation) -> None:
    """Raise AssertionError where images change their kind, or a training cannot be stopped and continued to the bit."""
    images = torch.randint(256, (6, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    before = images.clone()
    found = augmentation.of(images)
    assert found.dtype == torch.uint8, f"images of bytes become {found.dtype}"
    assert found.shape == images.shape, f"images of shape {tuple(images.shape)} become {tuple(found.shape)}"
    assert torch.equal(images, before), "the images that it is given are changed themselves"
    _check_stops({"augmentation": augmentation})


def _check_stops(recipe: Mapping[str, Any]) -> None:
    whole = _state(_through(_tiny(recipe), 6))
    for stop in range(1, 6):
        kept, continued = _kept(_through(_tiny(recipe), stop)), _tiny(recipe)
        continued.load_state_dict(kept)
        assert _state(_through(continued, 6)) == whole, f"stopped after {stop} steps it goes on otherwise"


def _tiny(recipe: Mapping[str, Any]) -> Training:
    drawn = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (_COUNT, 2, 4, 4), dtype=torch.uint8, generator=drawn)
    images = resident("tiny", "train", ("a", "b"), pixels, torch.arange(_COUNT) % 2)
    space = Space("tiny", ConfigurationSpace(), _build, {}, recipe={"batch_size": 4, **recipe})
    return Training.begin(space, {}, {"training": Piece(images, torch.arange(_COUNT))}, ("tiny",), _EPOCHS)


def _build(config: Mapping[str, Any], shape: tuple[int, int, int], classes: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(shape[0], 3, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(48, classes))


def _run(training: Training, until: int) -> Any:
    for batch in training.batches(until):
        yield training.step(batch)


def _through(training: Training, until: int) -> Training:
    for _ in _run(training, until):
        pass
    return training


def _kept(training: Training) -> Any:
    """Return the state as a file gives it back."""
    content, tensors = encoded(training.state_dict(), "the state")
    return decoded(json.loads(json.dumps(content)), {name: value.clone() for name, value in tensors.items()})


def _state(training: Training) -> tuple[str, list[bytes]]:
    content, tensors = encoded(training.state_dict(), "the state")
    return json.dumps(content), [_bytes(tensors[name]) for name in sorted(tensors)]


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes()

"""Could a training with this optimizer be stopped and go on as if it had not been? Tried on a tiny network first."""

import json

import torch
from torch import Tensor, nn

from nas.core.errors import UserError
from nas.training.encoding import decoded, encoded
from nas.training.recipe import Recipe
from nas.training.step import step

_tried = set[object]()
_STOP, _END = 2, 5  # steps


def check(recipe: Recipe) -> None:
    """Raise UserError, naming the optimizer of the recipe, where a training with it could not be continued exactly.

    Tried once in a process.
    """
    tried = (recipe.optimizer, recipe.weight_decay, recipe.momentum)
    if tried not in _tried:
        broken = difference(recipe, _STOP, _END)
        if broken:
            raise UserError(f"the optimizer {recipe.optimizer.name} cannot be used: {broken}")
        _tried.add(tried)


def difference(recipe: Recipe, stop: int, end: int) -> str:
    """Return in words what keeps a training of `end` steps from being stopped after `stop`; nothing where it can be."""
    with torch.random.fork_rng(devices=[]):
        whole, half = _Tiny(recipe), _Tiny(recipe)
        try:
            whole.train(0, end)
            half.train(0, stop)
            other = _Tiny(recipe)
            other.load(half.state())
            other.train(stop, end)
        except UserError as error:
            return str(error)
        except Exception as error:  # an optimizer raises whatever it likes
            return f"{type(error).__name__}: {' '.join(str(error).split())}"
    same = all(map(_same, whole.model.parameters(), other.model.parameters()))
    return "" if same else "stopped and continued it trains on otherwise"


class _Tiny:
    """A network of a convolution and a layer, in training."""

    def __init__(self, recipe: Recipe) -> None:
        torch.default_generator.manual_seed(0)
        self.recipe = recipe
        self.model = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))
        self.model.to(memory_format=recipe.optimizer.memory_format)  # type: ignore[call-overload]
        self.optimizer = recipe.optimizer.make(list(self.model.parameters()), recipe)

    def train(self, start: int, stop: int) -> None:
        for number in range(start, stop):
            torch.default_generator.manual_seed(number)
            pixels = torch.randint(256, (4, 2, 4, 4), dtype=torch.uint8)
            step(self.model, self.optimizer, self.recipe, pixels, torch.tensor([0, 1, 1, 0]))

    def state(self) -> object:
        """Return the state as a file gives it back."""
        content, tensors = encoded([self.model.state_dict(), self.optimizer.state_dict()], "its state")
        return decoded(json.loads(json.dumps(content)), {name: value.clone() for name, value in tensors.items()})

    def load(self, state: object) -> None:
        assert isinstance(state, list)
        self.model.load_state_dict(state[0])
        self.optimizer.load_state_dict(state[1])


def _same(one: Tensor, other: Tensor) -> bool:
    return one.detach().contiguous().numpy().tobytes() == other.detach().contiguous().numpy().tobytes()

"""A step on a batch in parts is the step on the batch, and a mixed batch has the mixture of two losses."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from nas.core.errors import UserError
from nas.training.inputs import paired
from nas.training.recipe import Recipe
from nas.training.recorded import Recorded
from nas.training.step import step
from tests.training.test_loop import HAS_ZOO

PIXELS = torch.randint(256, (7, 2, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 1, 2, 1, 0, 2, 2])
needs_zoo = pytest.mark.skipif(not HAS_ZOO, reason="the extra [zoo] is not installed")


def trained(steps: int, **fixed: Any) -> tuple[nn.Module, list[float]]:
    """Return a network without batch normalisation after so many steps on the same batch, and the losses."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    recipe = Recipe.of({}, {}, {"optimizer": "sgd", "learning_rate": 0.05, **fixed})
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 3))
    model = model.to(memory_format=recipe.optimizer.memory_format)  # type: ignore[call-overload]
    optimizer = recipe.optimizer.make(list(model.parameters()), recipe)
    return model, [step(model, optimizer, recipe, PIXELS, LABELS).item() for _ in range(steps)]


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 100])
@pytest.mark.parametrize("fixed", [
    {},
    {"gradient_clipping": 0.1, "label_smoothing": 0.2},
    {"mixup": 0.5},
    {"optimizer": {"name": "lbfgs", "max_iter": 4}, "learning_rate": 0.5},
    pytest.param({"optimizer": "adahessian"}, marks=needs_zoo),
], ids=str)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_the_gradients_of_parts_add_up_to_those_of_the_batch(size: int, fixed: dict[str, Any]) -> None:
    whole, losses = trained(3, **fixed)
    parts, others = trained(3, **fixed, micro_batch=size)
    assert others == pytest.approx(losses, rel=1e-5) and losses[2] != losses[0]
    for weight, other in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.allclose(weight, other, atol=1e-5)


def test_no_part_is_a_single_image_where_it_need_not_be() -> None:
    sizes: list[list[int]] = []

    class Noting(nn.Linear):
        def forward(self, given: Tensor) -> Tensor:
            sizes[-1].append(len(given))
            return super().forward(given)

    for size in (3, 4, 6, 7):
        recipe = Recipe.of({}, {}, {"optimizer": "sgd", "micro_batch": size})
        model = nn.Sequential(nn.Flatten(), Noting(32, 3))
        sizes.append([])
        step(model, recipe.optimizer.make(list(model.parameters()), recipe), recipe, PIXELS, LABELS)
    assert sizes == [[3, 2, 2], [4, 3], [4, 3], [7]]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_of_a_mixed_batch_is_the_mixture_of_two_losses(smoothing: float) -> None:
    model, _ = trained(0)
    _, (loss,) = trained(1, mixup=0.3, label_smoothing=smoothing)
    torch.manual_seed(0)
    model, _ = trained(0)  # draws what was drawn before the step
    share = torch.distributions.Beta(0.3, 0.3).sample()
    inputs = PIXELS.float() * (2 / 255) - 1
    logits = model(share * inputs + (1 - share) * inputs.roll(1, 0))
    one, other = (
        functional.cross_entropy(logits, labels, label_smoothing=smoothing) for labels in (LABELS, LABELS.roll(1, 0))
    )
    shares = functional.one_hot(LABELS, 3).float().lerp(functional.one_hot(LABELS.roll(1, 0), 3).float(), 1 - share)
    assert loss == pytest.approx((share * one + (1 - share) * other).item(), rel=1e-5)
    assert loss == pytest.approx(functional.cross_entropy(logits, shares, label_smoothing=smoothing).item(), rel=1e-5)
    assert 0 < share < 1 and one.item() != pytest.approx(other.item())


def test_a_share_is_drawn_for_every_batch() -> None:
    torch.manual_seed(0)
    shares = torch.tensor([paired(PIXELS, LABELS, 0.2).share for _ in range(2000)])
    assert shares.mean() == pytest.approx(0.5, abs=0.03)
    assert shares.var() == pytest.approx(1 / (4 * (2 * 0.2 + 1)), abs=0.01)  # of Beta(0.2, 0.2)


def test_a_recorded_step_cannot_mix() -> None:
    with pytest.raises(UserError, match="leave mixup or --cuda-graphs out"):
        Recorded(lambda pixels, labels: labels, Recipe.of({}, {}, {"mixup": 0.2}))

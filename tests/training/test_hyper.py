"""Optimizers that learn their hyperparameters do what automatic differentiation says, and all that torch's can."""

import copy
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from nas.core.errors import UserError
from nas.core.parts import made
from nas.testing import check_optimizer
from nas.training.encoding import decoded, encoded
from nas.training.optimizers.hyper import SGD, AdaGrad, Adam, RMSProp
from nas.training.recipe import Recipe
from tests.training import oracle
from tests.training.oracle import Level

ALL: tuple[Any, ...] = (SGD, Adam, AdaGrad, RMSProp)
NAMES = {SGD: "sgd", Adam: "adam", AdaGrad: "adagrad", RMSProp: "rmsprop"}
OTHERS = {
    "sgd": {"momentum": 0.0}, "adam": {"beta1": 0.9, "beta2": 0.999}, "adagrad": {}, "rmsprop": {"gamma": 0.99},
}  # fmt: skip
STEPS = 50
CASES: list[tuple[Any, float, str, str, dict[str, float]]] = [
    *((SGD, 0.05, "/".join(["sgd:0.01"] * height), "rate", {}) for height in (0, 1, 2, 3, 5)),
    (SGD, 0.02, "sgd:0.001", "rate", {"momentum": 0.9}),
    (SGD, 0.02, "sgd:0.001", "all", {"momentum": 0.5}),
    (SGD, 0.02, "sgd:0.001:0.5/sgd:0.001", "all", {"momentum": 0.5}),
    (Adam, 0.01, "sgd:0.0001", "rate", {}),
    (Adam, 0.01, "sgd:0.0001", "all", {}),
    (Adam, 0.01, "adam:0.001", "all", {}),
    (Adam, 0.01, "adam:0.001/adam:0.001/sgd:0.0001", "all", {}),
    (AdaGrad, 0.05, "sgd:0.001", "rate", {}),
    (AdaGrad, 0.05, "adagrad:0.01/adam:0.001", "all", {}),
    (RMSProp, 0.01, "sgd:0.0001", "rate", {}),
    (RMSProp, 0.01, "rmsprop:0.001/sgd:0.0001", "all", {}),
    (Adam, 0.01, "sgd:0.001:0.3/rmsprop:0.001/adagrad:0.01/adam:0.001", "all", {}),
]


def problem(seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[list[Tensor], Callable[..., Tensor]]:
    """Return weights of a little network, and its loss on batch number so and so."""
    drawn = torch.Generator().manual_seed(seed)
    shapes = ((6, 8), (8,), (8, 3), (3,))
    weights = [torch.randn(shape, generator=drawn, dtype=torch.float64).to(dtype) / 3 for shape in shapes]
    x = torch.randn(STEPS, 16, 6, generator=drawn, dtype=torch.float64).to(dtype)
    y = torch.randint(3, (STEPS, 16), generator=drawn)

    def loss(w: list[Tensor], number: int) -> Tensor:
        return functional.cross_entropy((x[number] @ w[0] + w[1]).tanh() @ w[2] + w[3], y[number])

    return weights, loss


def same_batch(loss: Callable[..., Tensor], weights: list[Tensor], number: int) -> Tensor:
    return loss(weights, 0)


def run(optimizer: Any, weights: Sequence[Tensor], loss: Callable[..., Tensor], numbers: range) -> Iterator[float]:
    for number in numbers:
        optimizer.zero_grad()
        found = loss(weights, number)
        found.backward()
        optimizer.step()
        yield found.item()


def levels(kind: Any, rate: float, tower: str, learn: str, more: dict[str, float]) -> list[Level]:
    read = [(NAMES[kind], {"rate": rate, **OTHERS[NAMES[kind]], **more})]
    for each in filter(None, tower.split("/")):
        name, *numbers = each.split(":")
        keys = ("rate", *OTHERS[name])
        read.append((name, {**OTHERS[name], **dict(zip(keys, map(float, numbers), strict=False))}))
    found = list[Level]()
    for name, values in read:
        keys = [key for key, value in values.items() if key == "rate" or (learn == "all" and value > 0)]
        found.append(Level(name, values, tuple(keys) if len(found) < len(read) - 1 else ()))
    return found


@pytest.mark.parametrize(("kind", "rate", "tower", "learn", "more"), CASES)
def test_hypergradients_are_those_of_automatic_differentiation(
    kind: Any, rate: float, tower: str, learn: str, more: dict[str, float]
) -> None:
    weights, loss = problem()
    losses, values = oracle.course(loss, weights, levels(kind, rate, tower, learn, more), STEPS)
    mine = [nn.Parameter(each.clone()) for each in weights]
    optimizer = kind(mine, rate, tower=tower, learn=learn, guarded=False, **more)
    for number, found in enumerate(run(optimizer, mine, loss, range(STEPS))):
        assert found == pytest.approx(losses[number], rel=1e-10, abs=1e-10)
        (learned,) = optimizer.hyperparameters()
        assert learned == pytest.approx(values[number], rel=1e-9, abs=1e-10)
    assert tower == "" or learned["rate"] != rate


def plain(kind: Any, weights: list[nn.Parameter], **given: Any) -> torch.optim.Optimizer:
    theirs = {SGD: torch.optim.SGD, Adam: torch.optim.Adam, AdaGrad: torch.optim.Adagrad, RMSProp: torch.optim.RMSprop}
    return theirs[kind](weights, lr=0.02, weight_decay=0.1, **given)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("kind", "more"),
    [*((kind, {}) for kind in ALL), (Adam, {"decoupled_weight_decay": True}), (SGD, {"momentum": 0.9})],
)
def test_where_nothing_learns_it_is_torchs(kind: Any, more: dict[str, Any]) -> None:
    weights, loss = problem()
    mine, theirs = ([nn.Parameter(each.clone()) for each in weights] for _ in range(2))
    ours = kind(mine, 0.02, weight_decay=0.1, tower="", **more)
    a = list(run(ours, mine, loss, range(STEPS)))
    b = list(run(plain(kind, theirs, **more), theirs, loss, range(STEPS)))
    assert a == pytest.approx(b, rel=1e-10)


def test_decoupled_decay_is_part_of_the_hypergradient() -> None:
    weights, loss = problem()
    raw = torch.tensor(0.01, dtype=torch.float64)
    w = [each.clone().requires_grad_() for each in weights]
    m, v = ([torch.zeros_like(each) for each in weights] for _ in range(2))
    mine = [nn.Parameter(each.clone()) for each in weights]
    optimizer = Adam(mine, 0.01, weight_decay=0.1, decoupled_weight_decay=True, tower="sgd:0.0001", guarded=False)
    for number, found in enumerate(run(optimizer, mine, loss, range(STEPS))):
        whole = loss(w, number)
        grads = torch.autograd.grad(whole, [*w, raw] if number else w)
        raw = (raw.detach() - (1e-4 * grads[-1] if number else 0.0)).requires_grad_()
        for i, g in enumerate(grads[:4]):
            m[i], v[i] = 0.9 * m[i] + 0.1 * g, 0.999 * v[i] + 0.001 * g * g
            way = m[i] / (1 - 0.9 ** (number + 1)) / ((v[i] / (1 - 0.999 ** (number + 1))).sqrt() + 1e-8)
            w[i] = w[i].detach() * (1 - raw * 0.1) - raw * way
        assert found == pytest.approx(whole.item(), rel=1e-10)
        assert optimizer.hyperparameters()[0]["rate"] == pytest.approx(raw.item(), rel=1e-10)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("height", [1, 2, 50])
def test_any_height_learns_from_a_rate_far_too_small_and_far_too_large(kind: Any, height: int) -> None:
    for rate in (1e-7, 1e3):
        weights, of_batch = problem()
        mine = [nn.Parameter(each.clone()) for each in weights]
        optimizer = kind(mine, rate, tower="/".join(["adam:0.1"] * height))
        losses = list(run(optimizer, mine, partial(same_batch, of_batch), range(STEPS)))
        assert losses[-1] < losses[0] - 0.01
        assert 1e-5 < optimizer.hyperparameters()[0]["rate"] < 100


FORMS: tuple[dict[str, Any], ...] = (
    {}, {"learn": "all"}, {"guarded": False, "learn": "all", "tower": "sgd:0.001/adam:0.01/sgd:0.01"},
)  # fmt: skip
EVERYTHING = [(kind, {**form, **({"momentum": 0.5} if kind is SGD else {})}) for kind in ALL for form in FORMS]


@pytest.mark.parametrize(("kind", "form"), EVERYTHING)
def test_stopped_after_any_step_it_goes_on_to_the_bit(kind: Any, form: dict[str, Any]) -> None:
    def begun() -> tuple[Any, Sequence[Tensor]]:
        mine = [nn.Parameter(each.clone()) for each in problem(dtype=torch.float32)[0]]
        groups = [{"params": mine[:2]}, {"params": mine[2:], "lr": 0.003}]
        return kind(groups, 0.01, weight_decay=0.01, **form), mine

    loss = problem(dtype=torch.float32)[1]
    whole, mine = begun()
    list(run(whole, mine, loss, range(8)))
    for stop in range(1, 8):
        half, first = begun()
        list(run(half, first, loss, range(stop)))
        content, tensors = encoded([half.state_dict(), [each.detach() for each in first]], "state")
        saved = decoded(json.loads(json.dumps(content)), {name: each.clone() for name, each in tensors.items()})
        other, second = begun()
        other.load_state_dict(saved[0])
        with torch.no_grad():
            for ours, theirs in zip(second, saved[1], strict=True):
                ours.copy_(theirs)
        list(run(other, second, loss, range(stop, 8)))
        assert all(map(torch.equal, mine, second))
        assert other.hyperparameters() == whole.hyperparameters()
        assert other.state_dict()["param_groups"] == whole.state_dict()["param_groups"]


def test_groups_learn_apart_from_rates_of_their_own_and_a_schedule_is_a_factor() -> None:
    weights, loss = problem()
    mine = [nn.Parameter(each.clone()) for each in weights]
    optimizer = SGD([{"params": mine[:2], "lr": 0.1}, {"params": mine[2:]}], 0.01, tower="sgd:0.001", guarded=False)
    list(run(optimizer, mine, loss, range(5)))
    first, second = (each["rate"] for each in optimizer.hyperparameters())
    assert first == pytest.approx(0.1, rel=0.2) and second == pytest.approx(0.01, rel=0.5) and first != second
    optimizer.param_groups[0]["lr"] /= 10
    before = optimizer.param_groups[0]["levels"][0]["values"]["rate"]
    list(run(optimizer, mine, loss, range(5, 6)))
    group = optimizer.param_groups[0]
    assert group["rate"] == pytest.approx(group["levels"][0]["values"]["rate"] / 10)
    assert group["levels"][0]["values"]["rate"] == pytest.approx(before, rel=0.1)


@pytest.mark.parametrize(("kind", "form"), EVERYTHING)
def test_weights_without_gradients_stay_and_learning_heeds_only_what_moved(kind: Any, form: dict[str, Any]) -> None:
    weights, loss = problem()
    mine = [nn.Parameter(each.clone()) for each in weights]
    mine[0].requires_grad_(False)
    optimizer = kind(mine, 0.01, **form)
    list(run(optimizer, mine, loss, range(3)))
    assert torch.equal(mine[0], weights[0]) and not optimizer.state[mine[0]]
    mine[0].requires_grad_(True)
    list(run(optimizer, mine, loss, range(3, 6)))
    assert not torch.equal(mine[0], weights[0])
    assert optimizer.state[mine[0]]["step"] == 3 and optimizer.state[mine[1]]["step"] == 6
    assert all(math.isfinite(each) for each in optimizer.hyperparameters()[0].values())


def test_the_layout_of_weights_and_their_pieces_change_nothing() -> None:
    drawn = torch.Generator().manual_seed(0)
    images, filters = torch.randn(4, 40, 6, 6, generator=drawn), torch.randn(200, 40, 3, 3, generator=drawn) / 20
    ends = list[Tensor]()
    for format in (torch.contiguous_format, torch.channels_last):
        weight = nn.Parameter(filters.clone(memory_format=format))
        gaps = nn.Parameter(torch.ones(6, 4)[:, ::2])
        optimizer = Adam([weight, gaps], 0.01, learn="all")
        for _ in range(4):
            optimizer.zero_grad()
            ((functional.conv2d(images, weight) ** 2).mean() + (gaps - 2).square().sum()).backward()
            optimizer.step()
        assert weight.is_contiguous(memory_format=format)
        ends.append(weight.detach().contiguous())
    torch.testing.assert_close(*ends)
    loaded = Adam([nn.Parameter(filters.clone()), nn.Parameter(torch.ones(6, 2))], 0.01, learn="all")
    loaded.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    loaded.zero_grad()
    (functional.conv2d(images, loaded.param_groups[0]["params"][0]) ** 2).mean().backward()
    loaded.step()  # its state comes from weights that lay otherwise
    state = loaded.state[loaded.param_groups[0]["params"][0]]
    assert state["m"].is_contiguous()


def test_accumulated_clipped_tied_and_autocast_it_trains() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 3))
    model[2].weight = model[0].weight
    optimizer = Adam(model.parameters(), 1e-4, learn="all")
    x, y, losses = torch.randn(32, 6), torch.randint(3, (32,)), list[float]()
    for _ in range(60):
        optimizer.zero_grad()
        for part in range(2):
            with torch.autocast("cpu", torch.bfloat16):
                loss = functional.cross_entropy(model(x[part::2]).float(), y[part::2]) / 2
            loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.95 * losses[0]


def test_a_gradient_that_is_not_finite_teaches_nothing() -> None:
    weight = nn.Parameter(torch.ones(3))
    optimizer = SGD([weight], 0.1)
    for value in (1.0, 1.0, math.inf, 1.0):
        weight.grad = torch.full((3,), value)
        optimizer.step()
    assert all(math.isfinite(each) for each in optimizer.hyperparameters()[0].values())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"tower": "adamm:0.1"}, "the tower has a level 'adamm', but may be made of sgd, adam, adagrad, rmsprop"),
        ({"tower": "adam"}, "the tower's level 'adam' must be such as adam:RATE:BETA1:BETA2"),
        ({"tower": "sgd:fast"}, "the tower's level 'sgd:fast' must be such as sgd:RATE:MOMENTUM"),
        ({"tower": "sgd:0.1/adam:0.1:0.9:1.5"}, "the tower, level 2: adam: beta2 is 1.5, but must be at least 0"),
        ({"tower": "sgd:-1"}, "the tower, level 1: sgd: the rate is -1, but must be above 0"),
        ({"lr": -0.1}, "the rate is -0.1, but must be above 0"),
        ({"lr": math.nan}, "the rate is nan, but must be above 0"),
        ({"betas": (0.9, 1.0)}, "beta2 is 1, but must be at least 0 and below 1"),
        ({"weight_decay": -1.0}, "weight decay is -1, but must be at least 0"),
        ({"trust": -1.0}, "trust is -1, but must be at least 0"),
        ({"learn": "momentum"}, "learn is 'momentum', but must be rate or all"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told_in_one_line(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)) as error:
        Adam([nn.Parameter(torch.ones(2))], **given)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ALL)
def test_weights_and_gradients_are_dense_and_real(kind: Any) -> None:
    with pytest.raises(ValueError, match="dense real weights, but one is complex64"):
        kind([nn.Parameter(torch.ones(2, dtype=torch.complex64))])
    with pytest.raises(ValueError, match="dense real weights, but one is sparse"):
        kind([nn.Parameter(torch.eye(2).to_sparse())])
    table = nn.Embedding(4, 2, sparse=True)
    optimizer = kind(table.parameters())
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(ValueError, match="dense gradients, but one is sparse"):
        optimizer.step()


@pytest.mark.parametrize("name", ["hyper-sgd", "hyper-adam", "hyper-adagrad", "hyper-rmsprop"])
def test_parts_keep_their_promises_and_take_what_a_recipe_says(name: str) -> None:
    tower = "adam:0.01/sgd:0.001/rmsprop:0.01/adagrad:0.1"
    for form in ({}, {"learn": "all"}, {"guarded": False, "learn": "all", "tower": tower}):
        check_optimizer(made("optimizer", {"name": name, **form}), weight_decay=0.01)
    recipe = Recipe.of({"levels": "adam:0.1"}, {"optimizer.tower": "levels"}, {"optimizer": name, "learning_rate": 0.3})
    optimizer: Any = recipe.optimizer.make([nn.Parameter(torch.ones(2))], recipe)
    assert optimizer.hyperparameters()[0]["rate"] == 0.3
    assert [each["rule"] for each in optimizer.param_groups[0]["levels"]] == [name.removeprefix("hyper-"), "adam"]


def test_momentum_is_a_recipes_where_there_is_one() -> None:
    for momentum, found in ((None, 0.9), (0.5, 0.5)):
        recipe = Recipe.of({}, {}, {"optimizer": "hyper-sgd", "momentum": momentum})
        optimizer: Any = recipe.optimizer.make([nn.Parameter(torch.ones(2))], recipe)
        assert optimizer.hyperparameters()[0]["momentum"] == found
    recipe = Recipe.of({}, {}, {"optimizer": "hyper-adam", "momentum": 0.5})
    optimizer = recipe.optimizer.make([nn.Parameter(torch.ones(2))], recipe)
    assert optimizer.hyperparameters()[0]["beta1"] == 0.5
    with pytest.raises(UserError, match="the optimizer hyper-adagrad has no momentum"):
        recipe = Recipe.of({}, {}, {"optimizer": "hyper-adagrad", "momentum": 0.5})
        recipe.optimizer.make([nn.Parameter(torch.ones(2))], recipe)
    with pytest.raises(UserError, match="the optimizer hyper-sgd: the tower has a level 'sdg'"):
        recipe = Recipe.of({}, {}, {"optimizer": {"name": "hyper-sgd", "tower": "sdg:1"}})
        recipe.optimizer.make([nn.Parameter(torch.ones(2))], recipe)

"""What the loop promises: it is plain torch, its position is a step, and a branch is a training of its own."""

import importlib.util
from typing import Any

import pytest
import torch
from torch.nn import functional

from nas.core.errors import Diverged, UserError
from nas.core.seeds import seed
from nas.data import load as load_images
from nas.spaces.space import load as load_space
from nas.training.pieces import Piece
from nas.training.training import Training
from tests.training.test_training import SMALL
from tests.training.tiny import build, digest, images, run, tiny

HAS_ZOO = importlib.util.find_spec("pytorch_optimizer") is not None
RECIPES: list[dict[str, Any]] = [
    {},
    {"optimizer": {"name": "sgd", "nesterov": True}, "policy": "one-cycle"},
    {"optimizer": {"name": "lbfgs", "max_iter": 3}, "policy": "constant"},
    {"mixup": 0.4, "ema": 0.9, "micro_batch": 3},
    {"optimizer": "rprop", "policy": {"name": "plateau", "held_out": 0.3, "patience": 0, "threshold": 0.9}},
]
IN_ZOO = [{"optimizer": "schedulefreeadamw", "policy": "constant"}, {"optimizer": "adamp"}]
EVERY = [*RECIPES, *(pytest.param(recipe, marks=pytest.mark.skipif(not HAS_ZOO, reason="no zoo")) for recipe in IN_ZOO)]


def by_hand(epochs: int) -> torch.nn.Module:
    """Train the small network on digits for so many of three epochs, as anybody would write it."""
    data, key, rate, size = load_images("digits", "train"), (3, "final"), SMALL["learning_rate_init"], 64
    assert data.pixels is not None
    torch.manual_seed(seed(*key, "weights"))
    model = load_space("cnn").build(SMALL, data.shape, 10).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, fused=True)
    for epoch in range(epochs):
        generator = torch.Generator().manual_seed(seed(*key, epoch, "order"))
        batches = torch.randperm(len(data), generator=generator).split(size)
        torch.manual_seed(seed(*key, epoch, "dropout"))
        for i, batch in enumerate(batches):
            optimizer.param_groups[0]["lr"] = rate * (1 - (epoch + i / len(batches)) / 3)
            inputs = data.pixels[batch].contiguous(memory_format=torch.channels_last).float() * (2 / 255) - 1
            loss = functional.cross_entropy(model(inputs), data.labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def test_plain_torch_by_hand_gives_the_same_weights_to_the_bit() -> None:
    torch.set_num_threads(1)
    data = load_images("digits", "train")
    pieces = {"training": Piece(data, torch.arange(len(data)))}
    training = Training.begin(load_space("cnn"), SMALL, pieces, (3, "final"), 3)
    run(training, 2 * training.steps_per_epoch)
    expected = by_hand(2).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in training.model.state_dict().items())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("recipe", EVERY, ids=str)
@pytest.mark.parametrize("at", [3, 4])
def test_a_branch_that_is_dropped_has_never_been(recipe: dict[str, Any], at: int) -> None:
    training, alone = run(tiny(recipe), at), tiny(recipe)
    before = digest(training)
    branch = training.branch()
    assert digest(branch) == before
    run(branch, at + 3)
    assert digest(training) == before != digest(branch)
    assert digest(run(training, 8)) == digest(run(alone, 8))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("recipe", EVERY, ids=str)
def test_a_branch_that_is_adopted_is_what_training_on_would_have_been(recipe: dict[str, Any]) -> None:
    training = run(tiny(recipe), 4)
    training.adopt(run(training.branch(), 7))
    assert training.position == 7 and digest(training) == digest(run(tiny(recipe), 7))
    assert digest(run(training, 9)) == digest(run(tiny(recipe), 9))


def test_two_branches_in_turns_are_as_each_alone() -> None:
    training, alone = run(tiny({}), 2), digest(run(tiny({}), 6))
    one, other = training.branch(), training.branch()
    for until in range(3, 7):
        run(one, until)
        run(other, until)
    assert digest(one) == digest(other) == alone


def test_the_loop_goes_on_from_a_branch_that_is_adopted_in_its_midst() -> None:
    training, seen = tiny({}), list[int]()
    for batch in training.batches(8):
        training.step(batch)
        seen.append(training.position)
        if training.position == 2:
            training.adopt(run(training.branch(), 5))
    assert seen == [1, 2, 6, 7, 8]
    assert digest(training) == digest(run(tiny({}), 8))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("recipe", EVERY, ids=str)
def test_nothing_that_happens_between_two_steps_changes_the_training(recipe: dict[str, Any]) -> None:
    training = tiny(recipe)
    for batch in training.batches(8):
        training.step(batch)
        training.validate("validation")
        torch.rand(3)
        tiny({"optimizer": "sgd"})
    assert digest(training) == digest(run(tiny(recipe), 8))


@pytest.mark.skipif(not HAS_ZOO, reason="the extra [zoo] is not installed")
def test_an_optimizer_that_averages_is_judged_by_its_average() -> None:
    training = run(tiny({"optimizer": "schedulefreeadamw", "policy": "constant", "learning_rate": 0.01}), 8)
    trained = training.model[5].weight.detach().clone()
    with training.judged() as model:
        averaged = model[5].weight.detach().clone()
    assert not torch.equal(averaged, trained) and torch.equal(training.model[5].weight, trained)


def test_an_epoch_takes_every_image_once_but_one_that_would_be_alone() -> None:
    pieces = {"training": Piece(images(9), torch.arange(9))}
    training = tiny({}, pieces=pieces)
    assert (training.steps_per_epoch, tiny({}).steps_per_epoch) == (2, 3)
    for batch in training.batches(4):
        assert len(batch[1]) == 4
        training.step(batch)
    assert len(training.losses) == 2 and training.between_epochs


def test_a_batch_that_no_step_was_taken_on_is_a_mistake_that_is_told() -> None:
    with pytest.raises(RuntimeError, match="is to be given to its step"):
        list(tiny({}).batches(2))


def test_what_is_held_out_is_not_trained_on() -> None:
    training = tiny({"policy": {"name": "plateau", "held_out": 0.3}})
    held, rest = training.pieces["held-out"], training.pieces["training"]
    assert (len(held), len(rest)) == (3, 7)
    assert torch.equal(torch.cat([held.indices, rest.indices]).sort().values, torch.arange(10))
    assert torch.equal(held.indices, tiny({"policy": {"name": "plateau", "held_out": 0.3}}).pieces["held-out"].indices)
    assert "held-out" not in tiny({}).pieces
    with pytest.raises(UserError, match="cannot be held out: none would be left"):
        tiny({"policy": {"name": "plateau", "held_out": 0.5}}, pieces={"training": Piece(images(), torch.arange(1))})


def test_gradients_are_clipped_together() -> None:
    training = run(tiny({"gradient_clipping": 1e-3}), 1)
    norms = [weight.grad.norm() for weight in training.model.parameters() if weight.grad is not None]
    assert torch.stack(norms).norm() == pytest.approx(1e-3, rel=1e-3)


def test_the_mean_loss_of_an_epoch_is_that_of_its_images() -> None:
    training, weighed = tiny({}), 0.0
    for batch in training.batches(3):
        weighed += training.step(batch).item() * len(batch[1])
    assert training.losses == [pytest.approx(weighed / 10)]


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    def lost(*what: Any) -> torch.nn.Module:
        model = build(*what)
        torch.nn.init.constant_(model[5].bias, torch.nan)
        return model

    training = run(tiny({}, lost), 2)
    with pytest.raises(Diverged, match="the training loss is nan"):
        run(training, 3)

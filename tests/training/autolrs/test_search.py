"""The search in a real training: same batches for all rates, every step counts, nothing that failed is kept."""

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from ConfigSpace import ConfigurationSpace
from torch import Tensor, nn

from nas.core.errors import Diverged, UserError
from nas.data.images import Images, resident
from nas.spaces.space import Space
from nas.training import state
from nas.training.pieces import HELD_OUT, TRAINING, VALIDATION, Piece
from nas.training.policies.autolrs import watchdog
from nas.training.training import Training
from tests.training.tiny import build, digest, run

EPOCHS, COUNT, PROBE = 10, 40, 4  # of ten steps, of images, of steps for each rate
AUTOLRS = {"name": "autolrs", "candidates": 3, "probe": PROBE, "held_out": 0.2, "most": 1.0}
OVER = 3 * PROBE


def bright_and_dark() -> Images:
    """Images of two classes that differ."""
    labels = torch.arange(COUNT) % 2
    noise = torch.randint(128, (COUNT, 2, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return resident("bright", "train", ("dark", "bright"), noise + (127 * labels[:, None, None, None]).byte(), labels)


IMAGES = bright_and_dark()


def training(policy: Any = AUTOLRS, optimizer: Any = "sgd", build: Callable[..., nn.Module] = build) -> Training:
    recipe = {"batch_size": 4, "optimizer": optimizer, "policy": policy}
    space = Space("tiny", ConfigurationSpace(), build, {}, recipe=recipe)
    pieces = {TRAINING: Piece(IMAGES, torch.arange(COUNT)), VALIDATION: Piece(IMAGES, torch.arange(9))}
    return Training.begin(space, {}, pieces, (7,), EPOCHS)


def search_of(training: Training) -> Any:
    return vars(training.policy)["search"]


def batches(training: Training, until: int) -> list[bytes]:
    """Train on, and return what each step was given."""
    seen = list[bytes]()
    for batch in training.batches(until):
        seen.append(batch[0].numpy().tobytes())
        training.step(batch)
    return seen


def test_all_rates_are_tried_on_the_same_batches_with_the_same_dropout_from_the_same_weights() -> None:
    whole = training()
    start = copy.deepcopy(whole.model.state_dict())
    seen = batches(whole, PROBE)
    for _ in range(2):
        assert all(torch.equal(value, start[name]) for name, value in whole.model.state_dict().items())
        assert not whole.optimizer.state_dict()["state"]
        assert batches(whole, whole.position + PROBE - 1) == seen[:-1]
        batches(whole, whole.position + 1)
    assert search_of(whole).trial is None and whole.position == OVER


def test_the_training_goes_on_from_the_end_of_the_best_trial_to_a_rate_of_nothing() -> None:
    whole = training()
    batches(whole, OVER)
    chosen = next(i for i, each in enumerate(search_of(whole).tried) if each.chosen)
    alone = training()
    batches(alone, PROBE * (chosen + 1) - 1)
    batch = next(alone.batches(alone.position + 1))
    alone.policy.after_step = lambda *_: True  # type: ignore[method-assign]
    alone.step(batch)
    assert all(map(torch.equal, whole.model.state_dict().values(), alone.model.state_dict().values()))
    rates = list[float]()
    for batch in whole.batches(EPOCHS * 10):
        whole.step(batch)
        rates.append(whole.optimizer.param_groups[0]["lr"])
    tried, left = search_of(whole).tried[chosen], EPOCHS * 10 - OVER
    assert rates == pytest.approx([tried.rate * (1 - i / left) for i in range(left)])


def test_every_step_counts_and_no_more_are_taken_than_asked_for() -> None:
    whole, taken = training(), 0
    for batch in whole.batches(EPOCHS * 10):
        whole.step(batch)
        taken += 1
    assert taken == whole.position == EPOCHS * 10 and len(whole.losses) == EPOCHS
    assert whole.lag == OVER - PROBE


def test_what_is_held_out_is_trained_on_when_the_search_is_over_and_not_before() -> None:
    whole = training()
    held = whole.pieces[HELD_OUT].indices
    pixels = {each.numpy().tobytes() for each in whole.pieces[HELD_OUT].images.pixels[held]}  # type: ignore[index]

    def shown(until: int) -> set[bytes]:
        found = set[bytes]()
        for batch in whole.batches(until):
            found |= {each.numpy().tobytes() for each in batch[0]}
            whole.step(batch)
        return found

    assert len(pixels) == len(held) == 8
    assert not pixels & shown(OVER)
    assert pixels <= shown(EPOCHS * 10)


def test_a_step_that_is_stopped_anywhere_in_a_stage_goes_on_to_the_bit(tmp_path: Any) -> None:
    whole = digest(run(training(), OVER + 4))
    for stop in (1, PROBE - 1, PROBE, PROBE + 1, OVER - 1, OVER, OVER + 1):
        stopped, other = run(training(), stop), training()
        state.save(tmp_path / "kept", stopped.state_dict(), "owner")
        saved = state.load(tmp_path / "kept", "owner")
        assert saved is not None
        other.load_state_dict(saved)
        assert digest(run(other, OVER + 4)) == whole


def test_while_rates_are_tried_the_network_is_judged_by_the_best_so_far() -> None:
    whole = training()
    run(whole, PROBE)
    best = copy.deepcopy(search_of(whole).ends[0][0]["model"])
    before = digest(run(whole, PROBE + 2))
    with whole.judged() as model:
        assert all(torch.equal(value, best[name]) for name, value in model.state_dict().items())
    assert digest(whole) == before


class Fragile(nn.Module):
    """It has no loss any more where its weight has moved by more than a little."""

    def __init__(self, moves: float) -> None:
        super().__init__()
        self.weight, self.moves = nn.Parameter(torch.zeros(2)), moves

    def forward(self, pixels: Tensor) -> Tensor:
        away = (self.weight.abs() > self.moves).any()
        logits = self.weight * pixels.mean((1, 2, 3))[:, None].abs()
        return torch.where(away, torch.full_like(logits, math.nan), logits)


def test_a_rate_that_diverges_is_given_up_at_once_and_does_not_end_the_training() -> None:
    whole = training(build=lambda *_: Fragile(0.002))
    run(whole, EPOCHS * 10)
    tried = search_of(whole).tried
    assert [each.forecast is None and each.steps < PROBE for each in tried] == [False, True, False]
    assert all(map(math.isfinite, whole.losses)) and math.isfinite(whole.validate(VALIDATION)["loss"])


def test_the_steps_of_rates_that_were_given_up_are_for_others() -> None:
    whole = training({**AUTOLRS, "candidates": 4}, build=lambda *_: Fragile(0.0002))
    run(whole, 4 * PROBE)
    tried = search_of(whole).tried
    assert [each.steps for each in tried[:2]] == [2, 2]
    assert len(tried) > 4 and 3 * PROBE < sum(each.steps for each in tried) <= 4 * PROBE
    assert any(each.chosen for each in tried)


def test_where_every_rate_diverges_the_training_ends_and_says_so() -> None:
    whole = training(build=lambda *_: Fragile(1e-9))
    with pytest.raises(Diverged, match="the loss rises at every learning rate down to 1e-05"):
        run(whole, EPOCHS * 10)
    assert all(each.forecast is None for each in search_of(whole).tried)


@pytest.mark.parametrize("young", [100, 5])
def test_steps_are_undone_where_the_loss_rises_again(young: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the stage where its rate is young, else the last of them."""
    monkeypatch.setattr(watchdog, "_YOUNG", young)
    whole = training()
    start = copy.deepcopy(whole.model.state_dict())
    run(whole, OVER + 24)
    search, rate = search_of(whole), search_of(whole).rate
    kept = copy.deepcopy(search.watchdog.kept[0][0]["model"])
    assert all(map(torch.equal, kept.values(), start.values())) == (young == 100)
    for weight in whole.model.parameters():
        weight.data.mul_(-100)
    run(whole, OVER + 25)
    assert search.rate == pytest.approx(0.3 * rate)
    assert all(torch.equal(value, kept[name]) for name, value in whole.model.state_dict().items())
    buffers = [each["momentum_buffer"] for each in whole.optimizer.state.values()]
    assert not any(buffer.any() for buffer in buffers)
    assert whole.position == OVER + 25


def test_a_second_stage_searches_again_from_where_the_first_has_led() -> None:
    whole = training({**AUTOLRS, "stages": 2, "stage": 0.2})
    run(whole, EPOCHS * 10)
    search = search_of(whole)
    assert len(search.tried) == 3 + 3
    assert search.tried[3].step == OVER + 20
    assert [each.chosen for each in search.tried].count(True) <= 2


def test_as_published_it_trains_from_before_the_search_at_a_rate_that_does_not_fall() -> None:
    whole = training({"name": "autolrs-paper", "most": 1.0, "candidates": 2, "later_candidates": 2})
    count, steps = search_of(whole).settings.trials_of(0, EPOCHS * 10)
    start = copy.deepcopy(whole.model.state_dict())
    run(whole, count * steps)
    assert all(torch.equal(value, start[name]) for name, value in whole.model.state_dict().items())
    search = search_of(whole)
    rates = {
        whole.optimizer.param_groups[0]["lr"] for batch in whole.batches(whole.position + 5) if whole.step(batch) + 1
    }
    assert rates == {search.rate}


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"least": 1, "most": 0.1}, "least is 1 and most 0.1: the least must be the smaller"),
        ({"least": 1, "most": 0.1}, "the policy autolrs"),
        ({"probe": 3, "score": "forecast"}, "probe is 3, but a score by forecast needs at least 4 steps"),
        ({"probe": 1}, "probe is 1, but must be at least 2"),
        ({"candidates": 1}, "candidates is 1, but must be at least 2"),
    ],
)
def test_what_cannot_be_is_told(policy: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        training({"name": "autolrs", **policy})


def test_an_optimizer_without_a_rate_and_one_that_finds_its_own_are_told() -> None:
    whole = training("constant")
    policy = training().recipe.policy
    del whole.optimizer.param_groups[0]["lr"]
    with pytest.raises(UserError, match="sets a learning rate, which the optimizer SGD has not"):
        policy.begin(whole)
    learning: Any = training("constant")
    learning.optimizer.hyperparameters = list
    with pytest.raises(UserError, match="would both find the learning rate"):
        policy.begin(learning)


def test_a_training_that_is_too_short_is_told() -> None:
    policy = training().recipe.policy
    short = training("constant")
    short.epochs = 1
    with pytest.raises(UserError, match="a training of 10 steps is too short for autolrs: it needs at least 12"):
        policy.begin(short)

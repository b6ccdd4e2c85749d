"""Where a mean of the weights is asked for it is judged and kept, and it is that of the steps that stand."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nas.core.errors import UserError
from nas.training.recipe import Recipe
from nas.training.training import Training
from tests.training.test_loop import HAS_ZOO
from tests.training.tiny import digest, run, tiny

DECAY = 0.8
RATES = {"candidates": 3, "probe": 2, "stages": 2, "stage": 0.1, "later_candidates": 2}
State = dict[str, Tensor]


def weights(model: nn.Module) -> State:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def blended(average: State | None, latest: State) -> State:
    """Return the average by hand: counts are the latest."""
    if average is None:
        return latest
    return {
        name: DECAY * average[name] + (1 - DECAY) * value if value.is_floating_point() else value
        for name, value in latest.items()
    }


def same(one: State, other: State) -> bool:
    return all(torch.allclose(value.float(), other[name].float(), atol=1e-6) for name, value in one.items())


def averages(training: Training, until: int) -> State:
    """Train, and return the average by hand along the line of steps that led to where the training is."""
    known, advance = dict[bytes, State | None](), training.advance

    def where() -> bytes:
        return b"".join(value.numpy().tobytes() for value in weights(training.model).values())

    def noting(pixels: Tensor, labels: Tensor) -> Tensor:
        before = known[where()]
        loss = advance(pixels, labels)
        known[where()] = blended(before, weights(training.model))
        return loss

    known[where()], training.advance = None, noting
    run(training, until)
    found = known[where()]
    assert found is not None
    return found


@pytest.mark.parametrize("policy", [
    "constant",
    {"name": "autolrs", **RATES},
    {"name": "autolrs", **RATES, "keep_on": False},
    {"name": "autolrs-paper", "candidates": 2, "later_candidates": 2, "score": "average"},
    {"name": "plateau", "patience": 0, "threshold": 0.9},
], ids=str)  # fmt: skip
def test_it_is_the_moving_mean_along_the_steps_that_stand(policy: Any) -> None:
    training = tiny({"ema": DECAY, "policy": policy, "learning_rate": 0.01})
    expected = averages(training, 12)
    assert training.average is not None and same(weights(training.average.module), expected)
    with training.judged() as model:
        assert same(weights(model), expected) and not model.training
    assert training.model.training and not same(weights(training.model), expected)


def test_it_does_not_change_what_is_trained() -> None:
    plain, averaged = run(tiny({}), 8), run(tiny({"ema": DECAY}), 8)
    averaged.validate("validation")
    assert same(weights(plain.model), weights(averaged.model)) and plain.losses == averaged.losses
    assert plain.validate("validation") != averaged.validate("validation")


def test_before_the_first_step_it_is_the_network_as_it_begins() -> None:
    training = tiny({"ema": DECAY})
    assert training.validate("validation") == tiny({}).validate("validation")


def test_what_is_judged_in_the_midst_of_trying_rates_is_the_average_of_the_best_so_far() -> None:
    training, alone = (tiny({"ema": DECAY, "policy": {"name": "autolrs", **RATES}}) for _ in range(2))
    run(training, 3)
    with training.judged() as model:
        judged = weights(model)
    assert training.average is not None and not same(judged, weights(training.average.module))
    assert digest(training) == digest(run(alone, 3))


@pytest.mark.skipif(not HAS_ZOO, reason="the extra [zoo] is not installed")
def test_an_optimizer_that_averages_itself_is_told_of() -> None:
    with pytest.raises(UserError, match="ScheduleFreeAdamW averages the weights itself: leave ema out"):
        tiny({"optimizer": "schedulefreeadamw", "policy": "constant", "ema": DECAY})


def test_a_decay_of_one_would_average_nothing() -> None:
    with pytest.raises(UserError, match="the ema is 1, but must be below 1"):
        Recipe.of({}, {}, {"ema": 1.0})

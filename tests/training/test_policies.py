"""What each policy makes of the learning rate, and that it leaves the groups of weights their ratio."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch

from nas.core.errors import UserError
from nas.core.parts import made
from nas.training.optimizers.optimizer import Optimizer
from nas.training.tally import Tally
from nas.training.training import Training
from tests.training.test_resuming import POLICIES
from tests.training.tiny import EPOCHS, tiny

RATE, STEPS = 1e-3, EPOCHS * 3


def rates(policy: Any, count: int = STEPS, **recipe: Any) -> list[float]:
    return [group["lr"] for group, *_ in groups(tiny({"optimizer": "sgd", "policy": policy, **recipe}), count)]


def groups(training: Training, count: int = STEPS) -> list[list[dict[str, Any]]]:
    """Return what the groups of weights had in each of the first `count` steps."""
    seen = list[list[dict[str, Any]]]()
    for batch in training.batches(count):
        training.step(batch)
        seen.append([{**group} for group in training.optimizer.param_groups])
    return seen


@dataclass(frozen=True)
class TwoGroups(Optimizer):
    """SGD with a tenth of the rate, and of the momentum, for all but the first weights."""

    kind: ClassVar[str] = "optimizer"
    name: ClassVar[str] = "two groups"

    def make(self, weights: Any, recipe: Any, recorded: bool = False) -> torch.optim.Optimizer:
        rate = recipe.learning_rate
        other = {"params": weights[1:], "lr": rate / 10, "momentum": 0.5}
        return torch.optim.SGD([{"params": weights[:1]}, other], lr=rate, momentum=0.9)


@pytest.mark.parametrize("name", POLICIES)
def test_groups_of_weights_keep_the_ratio_of_their_rates(name: str) -> None:
    seen = groups(tiny({"optimizer": TwoGroups(), "policy": {"name": name, **POLICIES[name]}}))
    assert [one["lr"] / other["lr"] for one, other in seen if other["lr"]] == pytest.approx([10] * len(seen))


def test_linear_is_the_very_rate_that_it_always_was() -> None:
    expected = [RATE * (1 - (epoch + i / 3) / EPOCHS) for epoch in range(EPOCHS) for i in range(3)]
    assert rates("linear") == expected


def test_constant_never_touches_the_rate() -> None:
    training = tiny({"policy": "constant"})
    assert all(seen["lr"] == RATE for (seen,) in groups(training, 3))
    training.optimizer.param_groups[0]["lr"] = 0.5  # as an optimizer may learn it
    assert all(seen["lr"] == 0.5 for (seen,) in groups(training, 6))


def test_cosine_rises_and_falls_to_its_final_share() -> None:
    seen = rates({"name": "cosine", "warmup": 0.25, "final": 0.1})
    assert seen[:4] == pytest.approx([RATE / 4, RATE / 2, RATE * 3 / 4, RATE])
    assert seen[3:] == sorted(seen[3:], reverse=True) and RATE / 10 < seen[-1] < RATE / 5
    assert rates("cosine")[6] == pytest.approx(RATE / 2)


def test_step_and_exponential_fall_by_their_factor() -> None:
    assert rates({"name": "step", "period": 2, "gamma": 0.5}) == pytest.approx([RATE] * 6 + [RATE / 2] * 6)
    assert rates({"name": "step", "period": 4, "unit": "steps"}, 9) == pytest.approx(staircase(0.1, 4)[:9])
    assert rates({"name": "exponential", "gamma": 0.5}) == pytest.approx(staircase(0.5, 3))
    assert rates({"name": "exponential", "gamma": 0.5, "unit": "steps"}) == pytest.approx(staircase(0.5, 1))


def staircase(factor: float, width: int) -> list[float]:
    return [RATE * factor ** (step // width) for step in range(STEPS)]


def test_cyclic_goes_up_and_down() -> None:
    up = [0.1, 0.4, 0.7, 1.0, 0.7, 0.4]
    assert rates({"name": "cyclic", "period": 2}) == pytest.approx([share * RATE for share in (*up, *up)])


def test_cyclic_may_go_above_the_rate_and_move_once_an_epoch() -> None:
    seen = rates({"name": "cyclic", "period": 2, "low": 1, "high": 1.5, "staircase": True})
    assert seen == pytest.approx([share * RATE for share in (1, 1, 1, 1.5, 1.5, 1.5)] * 2)
    fading = rates(
        {"name": "cyclic", "period": 2, "low": 1, "high": 2, "shape": "exp_range", "gamma": 0.5, "staircase": True}
    )
    assert fading[::3] == pytest.approx([RATE, RATE * 1.5, RATE, RATE * 1.125])


def test_restarts_begin_anew_after_longer_and_longer() -> None:
    seen = rates({"name": "cosine-restarts", "period": 1, "growth": 2})
    assert [step for step, rate in enumerate(seen) if rate == pytest.approx(RATE)] == [0, 3, 9]


def test_restarts_may_leave_a_share_of_the_rate_and_move_once_an_epoch() -> None:
    seen = rates({"name": "cosine-restarts", "period": 2, "growth": 1, "final": 0.5, "staircase": True})
    assert seen == pytest.approx([RATE] * 3 + [RATE * 0.75] * 3 + [RATE] * 3 + [RATE * 0.75] * 3)
    assert min(rates({"name": "cosine-restarts", "period": 4, "final": 0.5})) == pytest.approx(RATE / 2, rel=0.05)


def test_one_cycle_goes_up_once_and_ends_near_nothing() -> None:
    seen = rates({"name": "one-cycle", "rise": 0.25})
    assert seen[0] == pytest.approx(RATE * 0.04) and max(seen) == seen[2] == pytest.approx(RATE)
    assert seen[-1] == pytest.approx(RATE * 0.04 * 1e-4)


def test_plateau_falls_where_the_loss_of_an_epoch_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    trained, held_out = [1.0, 0.5, 0.5, 0.2], [1.0, 1.0, 0.5, 0.5]
    monkeypatch.setattr(Tally, "end", lambda self: self.means.append(trained[len(self.means)]))
    monkeypatch.setattr(Training, "validate", lambda self, part: {"loss": held_out[len(self.losses) - 1]})
    assert rates({"name": "plateau", "patience": 0, "gamma": 0.5}) == pytest.approx([RATE] * 9 + [RATE / 2] * 3)
    by_held_out = {"name": "plateau", "patience": 0, "gamma": 0.5, "held_out": 0.2}
    assert rates(by_held_out, 8) == pytest.approx([RATE] * 4 + [RATE / 2] * 4)  # of two steps an epoch


@pytest.mark.parametrize(
    ("policy", "bottom"), [({"name": "cyclic", "period": 2}, 0.8), ({"name": "one-cycle", "rise": 0.25}, 0.85)]
)
def test_a_momentum_moves_against_the_rate_where_there_is_one(policy: dict[str, Any], bottom: float) -> None:
    seen = [group for (group,) in groups(tiny({"optimizer": "sgd", "policy": policy}))]
    least = min(seen, key=lambda group: group["momentum"])
    assert least["momentum"] == pytest.approx(bottom) and least["lr"] == pytest.approx(RATE)
    betas = [group["betas"][0] for (group,) in groups(tiny({"policy": policy}))]
    assert min(betas) == pytest.approx(bottom) and max(betas) > 0.85
    still = tiny({"optimizer": "sgd", "policy": {**policy, "momentum": False}})
    assert [group["momentum"] for (group,) in groups(still)] == [0.9] * STEPS
    without = [group for (group,) in groups(tiny({"optimizer": "adagrad", "policy": policy}))]
    assert len({group["lr"] for group in without}) > 2
    with pytest.raises(UserError, match="cannot move the momentum of an optimizer that has none"):
        tiny({"optimizer": "adagrad", "policy": {**policy, "momentum": True}})


def test_a_momentum_that_moves_cannot_be_recorded() -> None:
    weights = [torch.nn.Parameter(torch.zeros(1))]
    course: Any = SimpleNamespace(
        optimizer=torch.optim.SGD(weights, momentum=0.9), recorded=True, steps_per_epoch=3, epochs=4
    )
    with pytest.raises(UserError, match="which a recorded step does not see"):
        made("policy", "one-cycle").begin(course)
    made("policy", {"name": "one-cycle", "momentum": False}).begin(course)

"""The search in a loop of one's own: what a user writes in five lines works, and is the search of the engine."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nas.core.errors import UserError
from nas.training.policies.autolrs import AutoLRS

STEPS, PROBE = 60, 4
SETTINGS = {"candidates": 3, "probe": PROBE, "most": 1.0}
DRAWN = torch.Generator().manual_seed(0)
INPUTS = torch.randn(200, 8, generator=DRAWN)
LABELS = torch.arange(200) % 2
INPUTS[:, :2] += 2 * LABELS[:, None]
HELD_OUT = slice(150, 200)


class Loop:
    """A user's loop over batches of ten."""

    def __init__(self, seen: list[Any] | None = None, **settings: Any) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        self.rates = AutoLRS(self.model, self.optimizer, self.held_out, STEPS, **{**SETTINGS, **settings})
        self.seen = seen if seen is not None else []

    def held_out(self) -> Tensor:
        assert not self.model.training and not torch.is_grad_enabled()
        return cross_entropy(self.model(INPUTS[HELD_OUT]), LABELS[HELD_OUT])

    def train(self, batches: Any, until: int = STEPS) -> None:
        for inputs, labels in self.rates.batches(batches):
            self.seen.append(inputs)
            self.optimizer.zero_grad()
            loss = cross_entropy(self.model(inputs), labels)
            loss.backward()
            self.optimizer.step()
            self.rates.step(loss)
            if len(self.seen) == until:
                return


def batches(first: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(first * 10, 150, 10):
        yield INPUTS[start : start + 10], LABELS[start : start + 10]


def test_it_learns_in_as_many_steps_as_were_asked_for_and_falls_to_a_rate_of_nothing() -> None:
    loop = Loop()
    before = float(loop.rates.loss_on_held_out())
    loop.train([*batches()])
    assert len(loop.seen) == STEPS and loop.model.training
    assert loop.rates.loss_on_held_out() < 0.7 * before
    assert [each["chosen"] for each in loop.rates.tried].count(True) == 1
    assert 0 < loop.optimizer.param_groups[0]["lr"] < 0.1 * max(each["rate"] for each in loop.rates.tried)


def test_all_rates_are_tried_on_the_same_batches_and_those_after_them_are_new() -> None:
    loop = Loop()
    loop.train([*batches()])
    first = loop.seen[:PROBE]
    for trial in range(3):
        assert all(map(torch.equal, loop.seen[trial * PROBE : (trial + 1) * PROBE], first))
    assert torch.equal(loop.seen[3 * PROBE], INPUTS[PROBE * 10 : PROBE * 10 + 10])


@pytest.mark.parametrize("stop", [2, PROBE, PROBE + 2, 3 * PROBE + 1])
def test_it_goes_on_from_its_state_to_the_bit(stop: int) -> None:
    whole, half, end = Loop(), Loop(), 3 * PROBE + 3
    whole.train(batches(), end)
    half.train(batches(), stop)
    other = Loop([*half.seen])
    for part in ("model", "optimizer", "rates"):
        getattr(other, part).load_state_dict(copy.deepcopy(getattr(half, part).state_dict()))
    yielded = min(stop, PROBE) + max(0, stop - 3 * PROBE)
    other.train(batches(yielded), end)
    assert all(map(torch.equal, whole.model.state_dict().values(), other.model.state_dict().values()))
    assert whole.rates.tried == other.rates.tried and whole.rates.rate == other.rates.rate


def test_without_batches_it_works_as_well() -> None:
    loop = Loop()
    for _ in range(4):
        for inputs, labels in batches():
            loop.optimizer.zero_grad()
            loss = cross_entropy(loop.model(inputs), labels)
            loss.backward()
            loop.optimizer.step()
            loop.rates.step(loss)
    assert loop.rates.loss_on_held_out() < 0.6 and loop.rates.search.step == STEPS


def test_what_cannot_be_is_told() -> None:
    for settings, told in (
        ({"least": 1.0, "most": 0.1}, "least is 1 and most 0.1"),
        ({"probe": 1}, "probe is 1"),
        ({"patience": 3}, "the policy autolrs has no parameter 'patience'"),
        ({"policy": "auto"}, "unknown policy 'auto'"),
    ):
        with pytest.raises(UserError, match=told):
            Loop(**settings)
    with pytest.raises(UserError, match="there are no batches to train on"):
        Loop().train([])
    with pytest.raises(UserError, match="a training of 3 steps is too short"):
        loop = Loop()
        AutoLRS(loop.model, loop.optimizer, loop.held_out, 3)


def test_a_batch_that_is_not_told_of_is_noticed() -> None:
    with pytest.raises(RuntimeError, match="is to be called for each batch"):
        list(Loop().rates.batches([*batches()]))

"""Which rates are tried, and which of them is chosen."""

import math
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from nas.core.parts import made
from nas.training.policies.autolrs.settings import Settings
from nas.training.policies.autolrs.tried import Tried, best, may_be_best, next_rate

BEFORE = 2.3
forecasts = st.none() | st.floats(0, 3)


def autolrs(**given: object) -> Settings:
    found = made("policy", {"name": "autolrs", **given})
    assert isinstance(found, Settings)
    return found


def search(loss: Callable[[float], float | None], count: int = 8, incumbent: float | None = None) -> list[Tried]:
    tried = list[Tried]()
    for step in range(count):
        rate = next_rate(tried, BEFORE, incumbent, count, autolrs())
        tried.append(Tried(step, rate, 1, loss(math.log10(rate))))
    return tried


@given(st.lists(forecasts, min_size=8, max_size=8), st.none() | st.floats(1e-5, 10))
@settings(max_examples=30, deadline=None)
def test_whatever_comes_of_them_rates_lie_in_the_interval_and_none_of_the_later_ones_comes_twice(
    losses: list[float | None], incumbent: float | None
) -> None:
    coming = iter(losses)
    tried = search(lambda _: next(coming), incumbent=incumbent)
    assert all(0.99e-5 <= each.rate <= 10.01 for each in tried)
    later = [round(each.decade, 3) for each in tried[3:]]
    assert len({*later}) == len(later)


@given(st.floats(-4, 0))
@settings(max_examples=20, deadline=None)
def test_the_best_rate_is_found_wherever_it_is(place: float) -> None:
    tried = search(lambda decade: 0.5 + 0.4 * (decade - place) ** 2)
    assert min(abs(each.decade - place) for each in tried) < 0.35


def test_it_is_no_bisection_in_disguise() -> None:
    here, there = (search(lambda decade, p=place: 0.5 + (decade - p) ** 2) for place in (-3.5, -0.5))
    assert [each.rate for each in here[:3]] == [each.rate for each in there[:3]]
    assert not {each.rate for each in here[3:]} & {each.rate for each in there[3:]}


def test_a_later_stage_begins_about_the_rate_before() -> None:
    assert [each.decade for each in search(lambda _: 1.0, 3, incumbent=0.01)] == [-2, -1, -3]


def rates(**forecasts: float | None) -> list[Tried]:
    return [Tried(0, float(rate.removeprefix("at_").replace("_", ".")), 1, loss) for rate, loss in forecasts.items()]


def test_the_least_loss_is_chosen_unless_a_rate_just_above_failed() -> None:
    assert best(rates(at_0_1=0.5, at_0_01=0.8, at_10=None), BEFORE, 0.5) == 0
    assert best(rates(at_0_1=0.5, at_0_01=0.8, at_0_2=None), BEFORE, 0.5) == 1
    assert best(rates(at_0_1=0.5, at_0_01=0.8, at_0_2=None), BEFORE, 0.0) == 0
    assert best(rates(at_0_1=0.5, at_0_01=0.8, at_0_2=BEFORE), BEFORE, 0.5) == 1


def test_where_all_failed_none_is_chosen() -> None:
    assert best(rates(at_0_1=None, at_0_01=BEFORE), BEFORE, 0.5) is None


def test_where_none_keeps_the_margin_the_smallest_that_learned_is_chosen() -> None:
    assert best(rates(at_0_1=0.5, at_0_09=0.9, at_0_2=None), BEFORE, 0.5) == 1


@given(st.lists(st.tuples(st.floats(1e-5, 10), forecasts), min_size=1, max_size=8), st.lists(forecasts, max_size=4))
def test_what_is_chosen_in_the_end_was_kept_all_along(
    first: list[tuple[float, float | None]], more: list[float | None]
) -> None:
    tried = [Tried(0, rate, 1, loss) for rate, loss in first]
    kept = may_be_best(tried)
    for i, loss in enumerate(more):
        tried.append(Tried(0, 10.0 ** (i - 3), 1, loss))
    chosen = best(tried, BEFORE, 0.5)
    lost = set(range(len(first))) - kept
    assert chosen not in lost or tried[chosen].forecast in [tried[i].forecast for i in kept]

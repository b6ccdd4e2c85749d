"""What a loss is expected to become."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.training.policies.autolrs.forecast import forecast

losses = st.lists(st.floats(0, 100), min_size=4, max_size=20)


@given(st.floats(0.1, 5), st.floats(0.01, 1), st.floats(0, 2))
def test_an_exponential_is_continued(height: float, decay: float, floor: float) -> None:
    def loss(step: float) -> float:
        return height * math.exp(-decay * step) + floor

    assert forecast(range(1, 17), [loss(step) for step in range(1, 17)], 160) == pytest.approx(
        loss(160), abs=0.1 * height
    )


@given(losses, st.integers(20, 1000))
def test_it_is_never_below_nothing_nor_above_what_was_seen(seen: list[float], until: int) -> None:
    found = forecast(range(len(seen)), seen, until)
    assert found is not None and 0 <= found <= max(seen)


@given(losses, st.sampled_from([math.nan, math.inf, -math.inf]), st.integers(0, 3))
def test_a_loss_that_is_no_number_has_none(seen: list[float], strange: float, place: int) -> None:
    seen[place] = strange
    assert forecast(range(len(seen)), seen, 100) is None


def test_a_loss_that_rises_is_not_expected_to_fall() -> None:
    found = forecast(range(8), [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7], 100)
    assert found is not None and found >= 1.3

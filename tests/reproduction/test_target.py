"""A target is understood as a share and in percent; what is neither is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.core.errors import UserError
from nas.reproduction.target import shown, target_of


@given(st.floats(0.0101, 1.0))
def test_a_share_and_its_percent_are_the_same_target(share: float) -> None:
    assert target_of(share, "accuracy") == share
    assert target_of(100 * share, "accuracy") == pytest.approx(share)


@pytest.mark.parametrize("value", [6976, 100.5, 0, -0.5])
def test_what_is_neither_share_nor_percent_is_refused(value: float) -> None:
    with pytest.raises(UserError, match=f"the target {value:g} is no accuracy: give a share such as 0.69758"):
        target_of(value, "accuracy")


def test_a_loss_is_taken_as_it_is() -> None:
    assert target_of(6.9, "loss") == 6.9 and shown(6.9, "loss") == "6.9" and shown(0.69758, "accuracy") == "69.758 %"


def test_an_unknown_metric_is_told_with_the_one_meant() -> None:
    with pytest.raises(UserError, match="did you mean accuracy"):
        target_of(0.5, "acuracy")

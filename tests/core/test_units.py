"""Numbers and times as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.core.errors import UserError
from nas.core.units import count, duration, number, positive, seconds, share


@given(st.integers(min_value=0))
def test_a_whole_number_is_read_exactly(whole: int) -> None:
    assert count(str(whole)) == whole


def test_powers_of_ten_are_whole_numbers() -> None:
    assert (count("2e7"), count("1.5e3"), count(" 50 ")) == (20_000_000, 1500, 50)


def test_thousands_and_millions_may_be_letters_or_set_apart() -> None:
    written = ("20k", "20K", "20M", "1.5M", "2G", "20 k", "1,000,000", "20_000_000")
    assert [count(text) for text in written] == [20000, 20000, 2 * 10**7, 1500000, 2 * 10**9, 20000, 10**6, 2 * 10**7]
    assert (number("0.5k"), count("12345678901234567890")) == (500.0, 12345678901234567890)


@pytest.mark.parametrize("text", ["", "x", "1.5", "1e-3", "nan", "inf", "1e999", "2 0", "20m", "20MB", "1,00", "k"])
def test_what_is_no_whole_number_is_refused_by_naming_it(text: str) -> None:
    with pytest.raises(UserError, match=r"is not a (whole )?number") as refusal:
        count(text)
    assert repr(text) in str(refusal.value)


def test_numbers_out_of_their_range_are_refused() -> None:
    assert (positive("1"), count("0"), share("0"), share("1"), number("-2.5")) == (1, 0, 0.0, 1.0, -2.5)
    for read, text in ((positive, "0"), (count, "-1"), (share, "1.01"), (share, "-0.1"), (share, "nan")):
        with pytest.raises(UserError):
            read(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90.0), ("90s", 90.0), ("5m", 300.0), ("2h", 7200.0), ("1d", 86400.0), ("0.5h", 1800.0), (".5m", 30.0),
     (" 3s ", 3.0), ("none", None), (None, None), (90, 90.0), ("1h30m", 5400.0), ("5min", 300.0), ("1d 2h", 93600.0),
     ("1.5h", 5400.0), ("00:05:00", 300.0), ("36:00:01", 129601.0), ("2m30s", 150.0), ("1e3", 1000.0)],
)  # fmt: skip
def test_a_time_is_read_in_seconds(text: str | float | None, expected: float | None) -> None:
    assert seconds(text) == expected


@given(st.floats(min_value=0, exclude_min=True, allow_infinity=False) | st.integers(1, 10**18))
def test_a_number_is_a_time_in_seconds(time: float) -> None:
    assert seconds(time) == float(time)


@pytest.mark.parametrize(
    "text",
    ["", "5 minutes", "-5m", "0", "0s", 0, -1.0, "5x", "m", "30m1h", "1:30", "00:60:00", "20M", "nan", float("nan")],
)
def test_what_is_no_time_is_refused_by_naming_it(text: str | float) -> None:
    with pytest.raises(UserError, match="is not a time") as refusal:
        seconds(text)
    assert repr(text) in str(refusal.value)


def test_durations_are_written_in_the_unit_people_would_use() -> None:
    assert [duration(x) for x in (0, 42.4, 270, 3600, 11520)] == ["0 s", "42 s", "4.5 min", "60.0 min", "3.2 h"]

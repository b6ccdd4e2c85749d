"""The defaults suit the time limit and the device, by constants alone."""

from hypothesis import given
from hypothesis import strategies as st

from nas.core import defaults


@given(st.floats(60, 1e6), st.integers(100, 10**8), st.sampled_from(["cpu", "cuda"]), st.integers(1, 8))
def test_the_largest_candidate_takes_its_share_of_the_time_limit_and_no_more(
    limit: float, seen: int, device: str, threads: int
) -> None:
    bound = defaults.max_macs(limit, seen, device, threads)
    share = defaults.training_seconds(bound, 0, 10**12, seen, device, threads) / limit
    assert bound == 1 or 0.9 * defaults.SHARE <= share <= 1.01 * defaults.SHARE


def test_more_time_a_gpu_and_more_threads_allow_larger_candidates() -> None:
    least = defaults.max_macs(300, 18000, "cpu", 1)
    assert least < defaults.max_macs(3000, 18000, "cpu", 1)
    assert least < defaults.max_macs(300, 18000, "cuda", 1)
    assert least < defaults.max_macs(300, 18000, "cpu", 4)


def test_small_batches_and_many_parameters_cost_time_that_no_multiplication_explains() -> None:
    plain = defaults.training_seconds(1e6, 1e5, 64, 25000, "cpu", 1)
    assert defaults.training_seconds(1e6, 1e5, 4, 25000, "cpu", 1) > 4 * plain
    assert defaults.training_seconds(1e6, 1e7, 64, 25000, "cpu", 1) > 3 * plain


def test_folds_leave_out_their_share_of_the_images() -> None:
    assert defaults.images_seen(900, 9, 3) == 9 * 3 * 600
    assert defaults.images_seen(900, 9, 1) == 9 * 900


def test_sizes_grow_with_the_time_limit_up_to_the_protocol_of_the_reference() -> None:
    minutes, hours, day = (defaults.sizes("cpu", seconds) for seconds in (300, 7200, 82800))
    assert minutes.max_epochs < hours.max_epochs < day.max_epochs == 50
    assert minutes.population < hours.population < day.population == 50
    assert (day.eta, day.min_epochs, day.offspring, day.folds) == (3, 5, 2, 3)
    assert defaults.sizes("cuda", 7200) == day


@given(st.floats(1, 1e6))
def test_time_for_retraining_is_kept_but_no_more_than_ten_minutes(limit: float) -> None:
    assert 0 < limit - defaults.search_seconds(limit) <= 600
    assert defaults.search_seconds(limit) >= 0.89 * limit

"""Holes of earlier tasks are filled by what resembles them, and what may be wrong with that is wrong alike."""

import numpy as np
import pytest
from numpy.typing import NDArray

from nas.transfer.surfaces import complete

KNOTS = (1, 2, 4, 8)


def table(configs: int = 20) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the values of three tasks, smooth in two features, and the features: the last two are twins."""
    rng = np.random.default_rng(3)
    features = rng.random((configs, 2))
    features[-1] = features[-2] + 0.005
    height = np.array([np.sin(3 * features[:, 0]) + shift * features[:, 1] for shift in (0.2, 0.5, 0.8)])
    return height[:, :, None] + np.log(KNOTS), features


def test_what_is_known_stays_and_needs_no_doubt() -> None:
    values, features = table()
    found = complete(values, features, KNOTS)
    assert found.values is values and found.doubt is None


def test_holes_are_filled_by_what_resembles_them() -> None:
    values, features = table()
    holed = values.copy()
    holed[0, 5] = holed[1, 7, 2:] = np.nan
    filled = complete(holed, features, KNOTS).values
    np.testing.assert_array_equal(filled[~np.isnan(holed)], holed[~np.isnan(holed)])
    assert np.abs(filled - values).max() < 0.35
    assert np.abs(filled[1, 7] - values[1, 7]).max() < 0.2


def test_twins_that_nobody_has_seen_are_off_alike() -> None:
    values, features = table()
    values[:, -2:] = np.nan
    doubt = complete(values, features, KNOTS).doubt
    assert doubt is not None
    spread = np.sqrt(np.diag(doubt)).reshape(-1, len(KNOTS))
    assert np.all(spread[:-2] == 0) and np.all(spread[-2:] > 0)
    one, other = doubt.reshape(20, 4, 20, 4)[-2, -1, -1, -1], spread[-2, -1] * spread[-1, -1]
    assert one / other > 0.5
    assert np.linalg.eigvalsh(doubt).min() > -1e-9


@pytest.mark.parametrize("known", [1, 2])
def test_a_task_of_which_next_to_nothing_is_known_is_filled_all_the_same(known: int) -> None:
    values, features = table()
    values[0] = np.nan
    values[0, :known, 0] = 0.5
    assert np.isfinite(complete(values, features, KNOTS).values).all()


def test_that_only_the_good_are_trained_on_says_nothing_of_how_curves_rise() -> None:
    values, features = table()
    holed = values.copy()
    for task in holed:
        worse = task[:, 0] < np.quantile(task[:, 0], 0.7)
        task[worse, 1:] = np.nan
    filled = complete(holed, features, KNOTS).values
    assert np.abs(filled - values).mean() < 0.09
    holes = np.isnan(holed[:, :, -1])
    assert (filled - values)[:, :, -1][holes].mean() < 0.25  # by the mean of what is known at the last knot it is .31
    best = np.nanargmax(holed[:, :, -1], axis=1)
    assert np.all(filled[np.arange(3), best, -1] >= filled[:, :, -1].max(axis=1) - 0.05)

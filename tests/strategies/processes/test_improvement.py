"""The logarithm of the expected improvement is exact to a few digits, however small the improvement."""

import numpy as np
import pytest
from scipy.integrate import quad

from nas.strategies.processes.beliefs import log_improvement

PLACES = [-1e4, -1e3, -300.0, -101.0, -99.0, -40.0, -20.0, -8.0, -3.0, -1.001, -0.999, -0.5, 0.0, 0.7, 3.0, 40.0, 1e4]


def integrated(z: float) -> float:
    """Return the logarithm of the integral of t pdf(t - z) over t > 0, without what makes it small."""
    if z > -1:
        return float(np.log(z + quad(lambda t: t * np.exp(-0.5 * (t + z) ** 2), 0, 40)[0] / np.sqrt(2 * np.pi)))
    inner = quad(lambda s: s * np.exp(-s - 0.5 * (s / z) ** 2), 0, 60, epsabs=0, epsrel=1e-10)[0]
    return float(-0.5 * z**2 - 0.5 * np.log(2 * np.pi) - 2 * np.log(-z) + np.log(inner))


@pytest.mark.parametrize("z", PLACES)
def test_it_is_the_integral(z: float) -> None:
    assert log_improvement(np.array([z]))[0] == pytest.approx(integrated(z), abs=4e-4)


def test_near_the_best_it_is_so_to_many_digits() -> None:
    near = np.linspace(-95, 5, 51)
    assert log_improvement(near) == pytest.approx([integrated(z) for z in near], rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("seam", [-1, -100])
def test_it_is_continuous_where_one_formula_follows_another(seam: float) -> None:
    below, above = log_improvement(np.array([np.nextafter(seam, -np.inf), np.nextafter(seam, np.inf)]))
    assert above == pytest.approx(below, abs=4e-4)


def test_it_grows_throughout() -> None:
    places = np.concatenate([-np.geomspace(1e4, 1e-3, 5000), np.geomspace(1e-3, 1e4, 5000)])
    with np.errstate(all="raise", under="ignore"):
        found = log_improvement(places)
    assert np.isfinite(found).all() and (np.diff(found) > 0).all()

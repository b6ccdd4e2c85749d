"""How much does each part of the covariance count? As makes each old task most probable, given the others."""

from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from scipy.optimize import minimize

from nas.transfer.likelihood import log_student
from nas.transfer.structure import Pieces, Shares, Structure, structure
from nas.transfer.surfaces import Surfaces

Floats = NDArray[np.float64]
_HELD_OUT = 16  # tasks, at most
_LOOKED_AT = 16  # configurations of each, of which so many are known to the last knot:
_WHOLE = 5
_STEPS = 160  # of the simplex
_STAY = 0.02  # cost of a squared e-fold from what is assumed


@dataclass(frozen=True)
class _Left:
    """A task that was left out: its values at some cells, and what the others say of these."""

    values: Floats
    pieces: Pieces
    surfaces: Floats  # [components, cells], centred
    middle: Floats  # [components]
    jitter: float


def tuned(surfaces: Surfaces, families: tuple[str, ...], rng: Generator) -> Shares:
    """Return the shares by the likelihood of each task under the mixture of those of other families.

    Nelder and Mead's simplex on logarithms, with a mild pull to what is assumed. Fewer than three families: as assumed.
    """
    left = _left_out(surfaces, families, rng)
    if not left:
        return Shares()
    start = np.log(astuple(Shares()))

    def loss(logs: Floats) -> float:
        try:
            fit = sum(_log_likelihood(each, shares_of(logs)) for each in left)
        except LinAlgError:
            return 1e9
        return -fit / sum(len(each.values) for each in left) + _STAY * float(((logs - start) ** 2).mean())

    simplex = np.vstack([start, start + 0.7 * np.eye(len(start))])
    options = {"maxfev": _STEPS, "initial_simplex": simplex, "xatol": 0.02, "fatol": 1e-4}
    return shares_of(minimize(loss, start, method="Nelder-Mead", options=options).x)


def shares_of(logs: Floats) -> Shares:
    """Return the shares of which these are the logarithms."""
    return Shares(**{each.name: float(value) for each, value in zip(fields(Shares), np.exp(logs), strict=True)})


def _left_out(surfaces: Surfaces, families: tuple[str, ...], rng: Generator) -> list[_Left]:
    tasks, many, knots = surfaces.values.shape
    found = []
    for task in rng.permutation(tasks)[:_HELD_OUT]:
        others = [place for place in range(tasks) if families[place] != families[task]]
        if len({families[place] for place in others}) < 2:
            continue
        configs = rng.choice(many, min(many, _LOOKED_AT), replace=False)
        depths = [knots if place < _WHOLE else rng.integers(1, knots + 1) for place in range(len(configs))]
        cells = np.concatenate([c * knots + np.arange(depth) for c, depth in zip(configs, depths, strict=True)])
        others_say = structure(surfaces, others)
        all_of_it, middle = components(others_say)
        jitter = 1e-3 * float(np.diag(others_say.along).mean()) + 1e-9
        known = surfaces.values[task].ravel()[cells]
        found.append(_Left(known, others_say.pieces(cells), all_of_it[:, cells] - middle[:, None], middle, jitter))
    return found


def _log_likelihood(left: _Left, shares: Shares) -> float:
    """Return the logarithm of the density of the values under the mixture of all components."""
    covariance = left.pieces.covariance(shares)
    covariance[np.diag_indices_from(covariance)] += left.jitter
    factor = cholesky(covariance, lower=True, check_finite=False, overwrite_a=True)
    rows = np.vstack([left.values, np.ones(len(left.values)), left.surfaces])
    whitened = solve_triangular(factor, rows.T, lower=True, check_finite=False).T
    found = log_student(whitened[0], whitened[1], whitened[2:], left.middle, shares)
    return float(np.logaddexp.reduce(found) - np.log(len(found)) - np.log(np.diag(factor)).sum())


def components(given: Structure) -> tuple[Floats, Floats]:
    """Return the surfaces of the mixture [components, cells] and the mean of each.

    They are those of the old tasks, that of mean places, and one in which all configurations are alike.
    """
    many, knots = given.shape
    flat = np.broadcast_to(given.centre.reshape(many, knots).mean(axis=0), (many, knots)).ravel()
    surfaces = np.vstack([given.old, given.centre, flat])
    return surfaces, surfaces.mean(axis=1)

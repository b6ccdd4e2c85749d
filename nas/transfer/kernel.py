"""Which hyperparameters matter? What many tasks show together of how alike two configurations train."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky
from scipy.optimize import minimize

Floats = NDArray[np.float64]
_STEPS = 40  # of L-BFGS
_TRUST = np.array([2.0, 1.0])  # standard deviations of the logarithms of weights and of variances, before any data


@dataclass(frozen=True)
class Kernel:
    """A Gaussian kernel with a weight for each column of the features, and variances `alike` and `own`."""

    weights: Floats
    alike: float
    own: float

    def between(self, ours: Floats, theirs: Floats) -> Floats:
        """Return how alike the rows of `ours` and `theirs` are, from 0 to 1: [ours, theirs]."""
        left, right = ours * np.sqrt(self.weights), theirs * np.sqrt(self.weights)
        apart = (left**2).sum(1)[:, None] + (right**2).sum(1)[None] - 2 * left @ right.T
        found: Floats = np.exp(-0.5 * np.maximum(apart, 0))
        return found

    @classmethod
    def plain(cls, columns: int) -> "Kernel":
        """Return what is assumed before any data."""
        return cls(np.full(columns, 3.0 / max(1, columns)), 1.0, 1.0)


def learned(features: Floats, scores: Floats) -> Kernel:
    """Return the kernel under which the `scores` [tasks, configurations], nan where unknown, are most probable.

    Each task is a draw of the same Gaussian process (maximum a posteriori; Rasmussen and Williams 2006, section 5.4).
    """
    columns = features.shape[1]
    tasks = [task for task in scores if np.isfinite(task).sum() > 2]
    if not tasks or not columns:
        return Kernel.plain(columns)
    groups = _by_what_they_know(tasks)
    apart = (features[:, None] - features[None]) ** 2
    start = np.log(np.array([*Kernel.plain(columns).weights, 1.0, 1.0]))
    trust = np.array([_TRUST[0]] * columns + [_TRUST[1]] * 2)

    def loss(logs: Floats) -> tuple[float, Floats]:
        weights, (alike, own) = np.exp(logs[:-2]), np.exp(logs[-2:])
        value, slope = 0.0, np.zeros(len(logs))
        for known, values in groups:
            far = apart[np.ix_(known, known)]
            near = alike * np.exp(-0.5 * (far @ weights))
            factor = cholesky(near + (own + 1e-6) * np.eye(len(known)), lower=True)
            inverse = cho_solve((factor, True), np.eye(len(known)))
            outer = values.T @ values
            value += len(values) * np.log(np.diag(factor)).sum() + 0.5 * float((inverse * outer).sum())
            pull = 0.5 * (len(values) * inverse - inverse @ outer @ inverse)
            slope[:-2] -= 0.5 * weights * np.einsum("ij,ijd->d", pull * near, far)
            slope[-2:] += (pull * near).sum(), own * np.trace(pull)
        return value + 0.5 * float((((logs - start) / trust) ** 2).sum()), slope + (logs - start) / trust**2

    try:
        found = np.exp(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x)
    except LinAlgError:
        return Kernel.plain(columns)
    return Kernel(found[:-2], float(found[-2]), float(found[-1]))


def _by_what_they_know(tasks: list[Floats]) -> list[tuple[NDArray[np.intp], Floats]]:
    """Return the tasks in groups that know the same configurations: those, and the scores [tasks, known]."""
    groups = dict[bytes, list[Floats]]()
    for task in tasks:
        groups.setdefault(np.isfinite(task).tobytes(), []).append(task)
    found = []
    for mask, members in groups.items():
        known = np.flatnonzero(np.frombuffer(mask, dtype=bool))
        found.append((known, np.array(members)[:, known]))
    return found

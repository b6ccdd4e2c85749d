"""Which hyperparameters mattered? Permutation importance of a forest on results that it has not seen.

Breiman 2001, by scikit-learn: how much of its R² a model loses when the values of one hyperparameter are shuffled.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import KFold

from nas.core.described import rebuilt
from nas.core.types import Status
from nas.runs.stored import StoredRun
from nas.strategies.breeding.genome import Genome
from nas.strategies.breeding.trees import with_epochs

ENOUGH = 40  # results, fewer than which say nothing
_MOST = 2000  # results looked at, the newest: more only take longer
_FOLDS, _SHUFFLES, _TREES = 5, 3, 30


@dataclass(frozen=True)
class Importance:
    """Hyperparameters, the most important first: the mean loss of R², and its standard error over the folds.

    `fit` is R² on held-out results: what is near 0 was not understood, and the importances mean nothing.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    error: tuple[float, ...]
    fit: float


def importance(run: StoredRun, metric: str) -> Importance | None:
    """Return what mattered for `metric`, partly trained trials included; None with too few results."""
    space = rebuilt(run.spec.space)
    results = [r for r in run.results if r.status is Status.OK and np.isfinite(r.metrics.get(metric, np.nan))][-_MOST:]
    values = np.array([result.metrics[metric] for result in results])
    if len(results) < ENOUGH or not values.std():
        return None
    configs, epochs = [result.job.trial.config for result in results], [result.epochs for result in results]
    rows = with_epochs(Genome(space).rows(configs), epochs)
    losses, fits = list[np.ndarray](), list[float]()
    for train, test in KFold(_FOLDS, shuffle=True, random_state=0).split(rows):
        forest = ExtraTreesRegressor(_TREES, random_state=0).fit(rows[train], values[train])
        fits.append(forest.score(rows[test], values[test]))
        shuffled = permutation_importance(forest, rows[test], values[test], n_repeats=_SHUFFLES, random_state=0)
        losses.append(shuffled.importances_mean[: len(space)])  # the last column is the epochs
    mean, error = np.mean(losses, axis=0), np.std(losses, axis=0, ddof=1) / np.sqrt(_FOLDS)
    order = np.argsort(-mean, kind="stable")
    names = tuple(list(space)[i] for i in order)
    return Importance(names, tuple(mean[order].tolist()), tuple(error[order].tolist()), float(np.mean(fits)))

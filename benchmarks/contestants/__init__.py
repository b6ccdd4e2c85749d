"""Who takes part? A contestant is a function that trains by the meter until its budget is spent.

Each peer is used as its documentation says, and gets every facility for constraints that it has.
"""

from collections.abc import Callable
from importlib import import_module

from benchmarks.meter import Meter

Contestant = Callable[[Meter, int], None]  # takes a seed

_MODULES = {
    "engine": "ours:evolution",
    "engine, no model": "ours:plain",
    "engine, ASHA": "ours:asha",
    "engine, told 1,000": "ours:told",
    "random search": "sampling:random_search",
    "Optuna TPE": "optuna_study:tpe",
    "Optuna TPE, rejection": "optuna_study:tpe_rejection",
    "Optuna TPE, Hyperband": "optuna_study:tpe_hyperband",
    "Optuna NSGA-II": "optuna_study:nsga2",
    "Optuna GP": "optuna_study:gaussian_process",
    "SMAC3": "smac_facades:hyperparameter_optimization",
    "SMAC3, Hyperband": "smac_facades:multi_fidelity",
    "DEHB": "dehb_ask:dehb",
    "pymoo GA": "pymoo_ga:genetic",
    "Syne Tune ASHA": "syne_tune_ask:asha",
    "Syne Tune REA": "syne_tune_ask:regularized_evolution",
}
MULTI_FIDELITY = ("engine, ASHA", "Optuna TPE, Hyperband", "SMAC3, Hyperband", "Syne Tune ASHA")
DEAR = {"Optuna GP": (1, 50), "SMAC3": (3, 100), "SMAC3, Hyperband": (3, 100)}  # seeds and full trainings
TOLD = "engine, told 1,000"  # of the results of a table: it has no place among those who know nothing
NAMES = tuple(name for name in _MODULES if name != TOLD)


def contestant(name: str) -> Contestant:
    """Return the contestant of that name; its package is imported only now."""
    module, _, function = _MODULES[name].partition(":")
    found: Contestant = getattr(import_module(f"benchmarks.contestants.{module}"), function)
    return found

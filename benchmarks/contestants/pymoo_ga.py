"""pymoo's genetic algorithm for mixed variables: constraints feasibility first, no notion of inactive variables."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace, OrdinalHyperparameter, UniformFloatHyperparameter
from ConfigSpace.hyperparameters import Hyperparameter
from pymoo.core.mixed import MixedVariableGA
from pymoo.core.problem import ElementwiseProblem
from pymoo.core.variable import Choice, Integer, Real, Variable
from pymoo.optimize import minimize

from benchmarks.meter import Meter, Spent
from nas.strategies.breeding import variation


def genetic(meter: Meter, seed: int) -> None:
    """Minimise with the defaults."""
    with suppress(Spent):
        minimize(_Metered(meter), MixedVariableGA(), ("n_gen", 10**6), seed=seed, verbose=False)


class _Metered(ElementwiseProblem):
    def __init__(self, meter: Meter) -> None:
        self.meter, self.space = meter, meter.problem.lookup.space
        variables = {name: _variable(hyperparameter) for name, hyperparameter in self.space.items()}
        super().__init__(vars=variables, n_obj=1, n_ieq_constr=len(meter.problem.constraints))

    def _evaluate(self, X: Mapping[str, Any], out: dict[str, Any], *_: Any, **__: Any) -> None:  # noqa: N803
        outcome = self.meter(decoded(self.space, X))
        out["F"] = outcome.loss if outcome.metrics else self.meter.problem.worst
        out["G"] = list(outcome.violations)


def _variable(hyperparameter: Hyperparameter[Any, Any]) -> Variable:
    """Return a variable on the scale of the space, logarithmic where that is."""
    if isinstance(hyperparameter, CategoricalHyperparameter):
        return Choice(options=list(range(len(hyperparameter.choices))))
    if isinstance(hyperparameter, OrdinalHyperparameter):
        return Integer(bounds=(0, len(hyperparameter.sequence) - 1))
    return Real(bounds=(0.0, 1.0))


def decoded(space: ConfigurationSpace, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of the variables, without what is inactive."""
    everything = {name: _value(space[name], value) for name, value in values.items()}
    return dict(variation.complete(variation.Draws(space, np.random.RandomState(0)), everything).values)


def _value(hyperparameter: Hyperparameter[Any, Any], value: Any) -> Any:
    if isinstance(hyperparameter, CategoricalHyperparameter):
        return hyperparameter.choices[value]
    if isinstance(hyperparameter, OrdinalHyperparameter):
        return hyperparameter.sequence[int(value)]
    place = hyperparameter.to_value(np.float64(value))
    return float(place) if isinstance(hyperparameter, UniformFloatHyperparameter) else int(place)

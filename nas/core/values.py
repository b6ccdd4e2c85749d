"""How does the value of a hyperparameter become a number, and a number the very value that the space names?

ConfigSpace passes choices through NumPy arrays, which make one type of all: True beside 2 becomes 1, and 0.8 beside
"sqrt" is found no more. Here a choice stays the object that the user wrote, but for NumPy's scalars.
"""

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace, Constant, OrdinalHyperparameter
from ConfigSpace.hyperparameters import FloatHyperparameter, Hyperparameter, IntegerHyperparameter
from numpy.typing import NDArray

from nas.core.errors import UserError
from nas.core.plain import canonical, plain
from nas.core.types import Value

Parameter = Hyperparameter[Any, Any]


def listed(hyperparameter: Parameter) -> tuple[Any, ...] | None:
    """Return the values that `hyperparameter` lists, as Python's own; None where it has a range."""
    choices = _choices(hyperparameter)
    return None if choices is None else tuple(map(plain, choices))


def to_values(hyperparameter: Parameter, vector: NDArray[np.float64]) -> list[Any]:
    """Return the values that the numbers of `vector` stand for on the scale of ConfigSpace."""
    choices = _choices(hyperparameter)
    if choices is None:
        return list(hyperparameter.to_value(vector))
    return [plain(choices[0 if len(choices) == 1 else int(place)]) for place in vector]


def to_vector(hyperparameter: Parameter, values: Sequence[Any]) -> NDArray[np.float64]:
    """Return the number of each of `values` on the scale of ConfigSpace."""
    choices = _choices(hyperparameter)
    if choices is None:
        return np.asarray(hyperparameter.to_vector(list(values)), dtype=np.float64)
    if isinstance(hyperparameter, Constant):
        return np.ones(len(values))  # as ConfigSpace has it
    return np.array([choices.index(value) for value in values], dtype=np.float64)


def legal(hyperparameter: Parameter, value: Any) -> Value:
    """Return the value of `hyperparameter` that `value` means: 3.0 an integer, [3, 3] the choice (3, 3).

    Raises ValueError that says what it must be.
    """
    given, known = plain(value), listed(hyperparameter)
    if known is not None:
        for choice in known:
            if _same(choice, given):
                return choice  # type: ignore[no-any-return]
        raise ValueError(f"must be {known[0]!r}" if len(known) == 1 else f"must be one of {_enumerated(known)}")
    whole = isinstance(hyperparameter, IntegerHyperparameter)
    kind = "a whole number" if whole else "a number"
    if _is_number(given) and _within(hyperparameter, given) and (not whole or given == int(given)):
        return int(given) if whole else float(given)
    low, high = getattr(hyperparameter, "lower", None), getattr(hyperparameter, "upper", None)
    raise ValueError(f"must be {kind}" + (f" between {plain(low)} and {plain(high)}" if low is not None else ""))


def check(space: ConfigurationSpace) -> None:
    """Raise UserError for what cannot be written down and read back: a choice, or a limit that is not finite."""
    for hyperparameter in space.values():
        name, written = hyperparameter.name, dict[str, Any]()
        for value in _choices(hyperparameter) or ():
            if not _writable(value):
                raise UserError(
                    f"{name} has the choice {value!r}, which cannot be written down: choices are numbers, words, "
                    "True, False, None or tuples of these; let the training turn them into what it needs"
                )
            twin = written.setdefault(canonical(value), value)
            if twin is not value:
                raise UserError(f"{name} has the choices {twin!r} and {value!r}, which look the same when written down")
        if isinstance(hyperparameter, (IntegerHyperparameter, FloatHyperparameter)):
            for limit in (getattr(hyperparameter, "lower", None), getattr(hyperparameter, "upper", None)):
                if limit is not None and not math.isfinite(limit):
                    raise UserError(f"{name} has the limit {limit}: a range is searched between two finite numbers")


def _choices(hyperparameter: Parameter) -> Sequence[Any] | None:
    """Return the choices as the user wrote them; whole numbers among others are floats, as ConfigSpace has them."""
    if isinstance(hyperparameter, CategoricalHyperparameter):
        choices = tuple(hyperparameter.choices)
    elif isinstance(hyperparameter, OrdinalHyperparameter):
        choices = tuple(hyperparameter.sequence)
    else:
        return (hyperparameter.value,) if isinstance(hyperparameter, Constant) else None
    numbers = {type(plain(choice)) for choice in choices if isinstance(choice, (int, float, np.generic))}
    mixed = numbers == {int, float} and all(isinstance(choice, (int, float, np.generic)) for choice in choices)
    return tuple(float(choice) for choice in choices) if mixed else choices


def _within(hyperparameter: Parameter, number: float) -> bool:
    low, high = getattr(hyperparameter, "lower", None), getattr(hyperparameter, "upper", None)
    if low is None or high is None:
        low, high = -sys.float_info.max, sys.float_info.max
    return bool(low <= number <= high)


def _same(choice: Any, given: Any) -> bool:
    if _is_number(choice) and _is_number(given):
        return bool(choice == given)
    return canonical(choice) == canonical(given)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _writable(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_writable, value))
    value = plain(value) if isinstance(value, np.generic) else value
    return value is None or isinstance(value, (str, int)) or (isinstance(value, float) and not math.isnan(value))


def _enumerated(values: Sequence[Any]) -> str:
    shown = ", ".join(map(repr, values[:8]))
    return f"{shown}, ... ({len(values)} in all)" if len(values) > 8 else shown

"""How is a value written as JSON? In one form, and so that it is read back as it was."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def canonical(data: object) -> str:
    """Return the one JSON text of `data`, whose keys are strings: sorted, no spaces, NaN and infinities as strings."""
    try:
        return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(_finite(data), sort_keys=True, separators=(",", ":"), allow_nan=False)


def readable(data: object) -> str:
    """Return the same as people read it, for a file of its own."""
    return json.dumps(json.loads(canonical(data)), indent=1) + "\n"


def plain(value: Any) -> Any:
    """Return `value` with NumPy's scalars turned into Python's own, and lists into tuples."""
    if isinstance(value, (list, tuple)):
        return tuple(map(plain, value))
    return value.item() if isinstance(value, np.generic) else value


def written(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of hyperparameters in a form that JSON gives back; what is not finite as {"float": "inf"}."""
    return {name: _written(value) for name, value in values.items()}


def read_back(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that `written` was given."""
    return {name: _read_back(value) for name, value in values.items()}


def _written(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return [_written(each) for each in value] if isinstance(value, (list, tuple)) else value


def _read_back(value: Any) -> Any:
    if isinstance(value, Mapping) and set(value) == {"float"}:
        return float(value["float"])
    return tuple(map(_read_back, value)) if isinstance(value, (list, tuple)) else value


def _finite(data: object) -> object:
    if isinstance(data, np.generic):
        data = data.item()
    if isinstance(data, (str, int)):
        return data
    if isinstance(data, float):
        return data if math.isfinite(data) else str(data)
    if isinstance(data, Mapping):
        return {str(key): _finite(value) for key, value in data.items()}
    return [_finite(value) for value in data] if isinstance(data, (list, tuple)) else data

"""Can a search call `train`, and can it use what `train` returned? Told in the words of who wrote it."""

import inspect
import json
import math
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any, Protocol

from nas.core.errors import UserError
from nas.core.plain import canonical
from nas.core.types import Curve, curve_of

CALL = "train(config, *, epochs, start, seed, checkpoint)"
NO_METRICS = "not a dict of metrics"
CURVE = "curve"  # the name that is for a learning curve
LARGEST = 1 << 20  # characters of a result besides its metrics


class Train(Protocol):
    """What trains a configuration. It runs in this process, in worker processes or on a cluster, as the search does."""

    def __call__(
        self, config: dict[str, Any], /, *, epochs: int, start: int, seed: int, checkpoint: Path
    ) -> Mapping[str, Any]:
        """Train from epoch `start` to `epochs` in all; return metrics.

        `config` holds the values of the active hyperparameters. `seed` is that of the trial, the same at each of its
        rungs. `checkpoint` is an absolute path for the state of the training: write a file or a folder there, or files
        whose names begin with it, or anything beside it; the folder it is in is this job's alone. Where `start` is not
        0 all that was left after `start` epochs is there again; where that is lost, `start` is 0.

        Returned is a dict from names to numbers: Python's, NumPy's, and arrays and tensors of one element. What else
        JSON can hold (text, lists, dicts, None) is kept with the result, and cannot be ranked by. The objective and
        the metrics of the constraints must be among the numbers; nan says that there is none.

        The name "curve" is for the learning curve of this job, `Result.curve`: a list of dicts of numbers, one for each
        epoch that was looked at, such as [{"epoch": 1, "accuracy": 0.5}, {"epoch": 2, "accuracy": nan}]. Epochs rise,
        numbers are finite or nan. What lies at or before `start` is left out.

        Raise nas.Diverged where the training has failed by itself, and nas.UserError to end the search. Anything else
        that is raised fails this trial only, but a search in which all trials fail alike ends.
        """
        ...


def check(train: object) -> None:
    """Raise UserError where `train` cannot be called as a search does, or cannot return metrics."""
    for name, called in (("train", train), ("train.again", getattr(train, "again", train))):
        if not callable(called):
            raise UserError(f"{name} is {_kind(called)}: give a function {CALL}")
        try:
            signature = inspect.signature(called, follow_wrapped=False)  # a wrapper may take more
        except (TypeError, ValueError):  # some builtins have none
            continue
        try:
            signature.bind({}, epochs=1, start=0, seed=0, checkpoint=Path())
        except TypeError as error:
            raise UserError(f"{name}{signature} cannot be called as {CALL}: {error}") from None
        if any(is_kind(called) for is_kind in (inspect.iscoroutinefunction, inspect.isgeneratorfunction,
                                               inspect.isasyncgenfunction)):  # fmt: skip
            raise UserError(f"{name} is an async or generator function: give one that returns a dict of metrics")


def sorted_out(returned: object) -> tuple[dict[str, float], dict[str, Any], Curve]:
    """Return the numbers of what train returned, what else of it JSON can hold, and its learning curve.

    Raises TypeError for the rest.
    """
    if not isinstance(returned, Mapping):
        told = f"{returned}, " if isinstance(returned, Real) else ""
        raise TypeError(f"train returned {told}{_kind(returned)}, {NO_METRICS}")
    metrics, details, curve, size = dict[str, float](), dict[str, Any](), Curve(), 0
    for key, value in returned.items():
        if not isinstance(key, str):
            raise TypeError(f"train returned a metric under {key!r}, {_kind(key)}: give it a name")
        name = str.__str__(key)
        if name == CURVE:
            curve = _curve(value)
            size += len(canonical([*curve.values()]))
        elif isinstance(value, (str, list, tuple, Mapping, type(None))):
            text = _json(name, value)
            size += len(text)
            details[name] = json.loads(text)  # as it is read back
        else:
            metrics[name] = _number(name, value)
    if size > LARGEST:
        raise TypeError(
            f"train returned {size} characters besides its metrics: keep to {LARGEST}, write files for more"
        )
    return metrics, details, curve


def _curve(value: Any) -> Curve:
    """Return metrics by epoch. Raises TypeError where `value` is no learning curve."""
    points = value if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(point, Mapping) and "epoch" in point for point in points):
        example = '[{"epoch": 1, "accuracy": 0.5}, ...]'
        raise TypeError(f"train returned {CURVE!r} as {_kind(value)}, but it is for a learning curve such as {example}")
    try:
        return curve_of([{str(name): _scalar(point, name) for name in point} for point in points])
    except ValueError as error:
        raise TypeError(f"train returned a {CURVE!r} with {error}") from None


def _scalar(point: Mapping[Any, Any], name: Any) -> Any:
    value = _number(f"{CURVE}: {name}", point[name])
    return int(value) if name == "epoch" and value.is_integer() else value


def _json(name: str, value: object) -> str:
    try:
        return canonical(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"train returned {name!r} as {_kind(value)} that cannot be kept as JSON: {error}") from None


def _number(name: str, value: Any) -> float:
    """Return a real number of whatever type; of an array or tensor its only element."""
    try:
        scalar = value.item() if callable(getattr(value, "item", None)) else value
        if isinstance(scalar, (str, bytes, bytearray)):
            raise TypeError
        return float(scalar)
    except OverflowError:
        raise TypeError(f"train returned {name!r} as {_kind(value)} larger than any float") from None
    except (TypeError, ValueError, ArithmeticError, RuntimeError):
        shape = getattr(value, "shape", ())
        shaped = f" of shape {tuple(shape)}" if isinstance(shape, tuple) and math.prod(shape) != 1 else ""
        raise TypeError(f"train returned {name!r} as {_kind(value)}{shaped}, not a number") from None


def _kind(value: object) -> str:
    """Return what `value` is: "a float", "an ndarray", "None"."""
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIO' else 'a'} {name}"


def unmet(name: str, asked: str, metrics: Mapping[str, float], details: Mapping[str, Any]) -> str:
    """Return what is wrong where `name`, `asked` for as the objective or by a constraint, is not among the metrics."""
    if name in details:
        value = details[name]
        hint = f": return float({value!r})" if isinstance(value, str) else ""
        told = f"{canonical(value)[:80]}, {_kind(value)}" if value is not None else "None"
        return f"train returned {name!r}, {asked}, as {told}, not a number{hint}"
    return f"train returned no {name!r}, {asked}: it returned {', '.join(sorted(metrics)) or 'nothing'}"

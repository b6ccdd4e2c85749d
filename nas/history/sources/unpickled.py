"""What does a pickle of somebody else's hold, when none of its code may run? Plain values and arrays of numbers."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nas.core.errors import UserError


def unpickled(path: Path) -> Any:
    """Return the dicts, lists, tuples, texts, numbers and NumPy arrays in the pickle at `path`.

    Raises UserError where it is cut, no pickle, or asks for anything else: that is never called.
    """
    try:
        with path.open("rb") as file:
            return _Plain(file).load()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except _Refused as error:
        raise UserError(f"{path} is refused: it asks for {error}, and may hold values and arrays only") from None
    except Exception as error:  # a broken pickle raises whatever the broken bytes lead to
        raise UserError(
            f"{path} is no whole pickle ({type(error).__name__}: {error}): remove it, and get it again"
        ) from None


class _Refused(Exception):  # noqa: N818 (what became of it)
    """A pickle asks for what is not allowed."""


class _Plain(pickle.Unpickler):
    """Knows the few functions that arrays are made by, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        place = module.replace("numpy._core", "numpy.core").replace("__builtin__", "builtins")
        if (place, name) not in _ALLOWED:
            raise _Refused(f"{module}.{name}")
        return _ALLOWED[place, name]


_rebuilt: Callable[..., Any] = np.zeros(1).__reduce__()[0]  # type: ignore[assignment] # whatever NumPy calls it today
_scalar: Callable[..., Any] = np.float64(0).__reduce__()[0]  # type: ignore[assignment]


def _encode(text: str, encoding: str) -> bytes:
    """Return the bytes that protocol 2 writes as text: others need no codec."""
    if encoding != "latin1":
        raise ValueError(f"the codec {encoding}")
    return text.encode(encoding)


def _created(_: object, arguments: tuple[Any, ...], state: tuple[Any, ...], attributes: object = None) -> Any:
    """Return the array that dill wrote."""
    array = _rebuilt(*arguments)
    array.__setstate__(state)
    return array


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _rebuilt,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("dill._dill", "_create_array"): _created,
    ("_codecs", "encode"): _encode,
    ("builtins", "dict"): dict,
    ("collections", "OrderedDict"): dict,
    ("collections", "defaultdict"): lambda *_: {},
}

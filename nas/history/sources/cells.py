"""What does a cell of a table mean? A number, the value of a hyperparameter, or nothing."""

import math
from typing import Any

from nas.core.plain import canonical
from nas.core.values import Parameter, listed


def is_empty(cell: object) -> bool:
    """Return whether nothing is in it."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def number(cell: Any) -> float:
    """Return a finite number. Raises ValueError that says what the cell is."""
    try:
        value = math.nan if isinstance(cell, bool) or "_" in str(cell) else float(cell)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{cell!r}, but must be a finite number")
    return value


def whole(cell: Any, least: int) -> int:
    """Return a whole number, also of "3.0", as tables with empty cells write it. Raises ValueError."""
    value = number(cell)
    try:
        found = int(cell)  # to the last digit, of which a seed has more than a float
    except ValueError:
        found = int(value)
    if value != float(found) or found < least:
        raise ValueError(f"{cell!r}, but must be a whole number of at least {least}")
    return found


def meant(hyperparameter: Parameter, cell: Any) -> Any:
    """Return the value that a text means: of choices the one so written; the text itself where it means none."""
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    for choice in listed(hyperparameter) or ():
        if text in (str(choice), canonical(choice)):
            return choice
    try:
        value = number(text)
    except ValueError:
        return text
    try:
        return int(text)
    except ValueError:
        return value

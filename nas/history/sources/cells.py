"""What does a cell of a table mean? A number, a text, the value of a hyperparameter, or nothing."""

import math
from typing import Any

from nas.core.plain import canonical
from nas.core.values import Parameter, listed


def is_empty(cell: object) -> bool:
    """Return whether nothing is in it."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def number(cell: object) -> float:
    """Return a finite number. Raises ValueError that says what the cell is."""
    value = float(cell) if not isinstance(cell, bool) and "_" not in str(cell) else math.nan  # type: ignore[arg-type]
    if not math.isfinite(value):
        raise ValueError(f"{cell!r}, but must be a finite number")
    return value


def whole(cell: object, least: int) -> int:
    """Return a whole number, also of "3.0", as tables with empty cells write it. Raises ValueError."""
    try:
        value = int(cell) if isinstance(cell, (int, str)) and not isinstance(cell, bool) else None
    except ValueError:
        value = None
    if value is None:
        found = number(cell)
        value = int(found)
        if value != found:
            raise ValueError(f"{cell!r}, but must be a whole number")
    if value < least:
        raise ValueError(f"{value}, but must be at least {least}")
    return value


def meant(hyperparameter: Parameter, cell: Any) -> Any:
    """Return the value that a text means: of choices the one so written; the text itself where it means none."""
    if not isinstance(cell, str):
        return cell
    text, choices = cell.strip(), listed(hyperparameter)
    for choice in choices or ():
        if text in (str(choice), canonical(choice)):
            return choice
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text

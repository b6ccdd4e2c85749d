"""What number does a text such as "2e7" or "5m" mean?"""

import math
import re

from nas.errors import UserError

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def number(text: str) -> float:
    """Return the finite number that `text` means. Raises UserError otherwise."""
    try:
        if math.isfinite(float(text)):
            return float(text)
    except ValueError:
        pass
    raise UserError(f"{text!r} is not a number")


def share(text: str) -> float:
    """Return the number between 0 and 1 that `text` means. Raises UserError otherwise."""
    if not 0 <= number(text) <= 1:
        raise UserError(f"{text} does not lie between 0 and 1")
    return number(text)


def factor(text: str) -> float:
    """Return the number above 1 that `text` means. Raises UserError otherwise."""
    if number(text) <= 1:
        raise UserError(f"{text} is too small: it must be above 1")
    return number(text)


def count(text: str, least: int = 0) -> int:
    """Return the whole number of at least `least` that `text` means: "50", "2e7". Raises UserError otherwise."""
    if number(text) != int(number(text)):
        raise UserError(f"{text!r} is not a whole number, such as 50 or 2e7")
    if number(text) < least:
        raise UserError(f"{text} is too small: it must be at least {least}")
    return int(number(text))


def positive(text: str) -> int:
    """Return the whole number of at least 1 that `text` means. Raises UserError otherwise."""
    return count(text, least=1)


def seconds(text: float | str | None) -> float | None:
    """Return the seconds that "90", "90s", "5m", "2h", "1d" or a number mean; None and "none" mean no limit."""
    if text is None or text == "none":
        return None
    if isinstance(text, (int, float)) and 0 < text < math.inf:
        return float(text)
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)([smhd]?)", str(text).strip())
    if not match or float(match[1]) <= 0:
        raise UserError(f"{text!r} is not a time, such as 90s, 5m, 2h")
    return float(match[1]) * _SECONDS[match[2]]


def duration(value: float) -> str:
    """Return `value` seconds as people write it: "42 s", "4.5 min", "3.2 h"."""
    if value < 120:
        return f"{value:.0f} s"
    return f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"

"""What number does a text such as "2e7", "20M" or "1h30m" mean?"""

import math
import re
from decimal import Decimal, InvalidOperation

from nas.core.errors import UserError

_WHOLE = r"(?:\d{1,3}(?:,\d{3})+|\d+(?:_\d+)*)"
_PLAIN = rf"(?:{_WHOLE}(?:\.\d*)?|\.\d+)"
_NUMBER = re.compile(rf"([-+]?{_PLAIN}(?:[eE][-+]?\d+)?)|([-+]?{_PLAIN}) ?([kKMG])", re.ASCII)
_POWERS = {"k": "e3", "K": "e3", "M": "e6", "G": "e9"}
_CLOCK = re.compile(r"(\d+):([0-5]\d):([0-5]\d)", re.ASCII)
_UNITS = {"d": 86400, "h": 3600, "m(?:in)?": 60, "s(?:ec)?": 1}
_TIME = re.compile(r"\s*".join(rf"(?:({_PLAIN})\s*{unit})?" for unit in _UNITS), re.ASCII)


def number(text: str) -> float:
    """Return the finite number that `text` means: "0.39", "2e7", "20M", "1,000". Raises UserError otherwise."""
    return float(_exact(text))


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
    exact = _exact(text)
    if exact != exact.to_integral_value():
        raise UserError(f"{text!r} is not a whole number, such as 50 or 2e7")
    if exact < least:
        raise UserError(f"{text} is too small: it must be at least {least}")
    return int(exact)


def positive(text: str) -> int:
    """Return the whole number of at least 1 that `text` means. Raises UserError otherwise."""
    return count(text, least=1)


def seconds(text: float | str | None) -> float | None:
    """Return the seconds that a number or a text means; None and "none" mean no limit.

    Times are written "90", "90 s", "5m", "5min", "2.5h", "1h30m", "1d 2h" or "00:05:00". Raises UserError otherwise.
    """
    if text is None or text == "none":
        return None
    time = _time(str(text).strip())
    if not 0 < time < math.inf:
        raise UserError(f"{text!r} is not a time, such as 90s, 5m, 1h30m or 00:05:00")
    return time


def duration(value: float) -> str:
    """Return `value` seconds as people write it: "42 s", "4.5 min", "3.2 h"."""
    if value < 120:
        return f"{value:.0f} s"
    return f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"


def _exact(text: str) -> Decimal:
    """Return the number that `text` means, every digit of it. Raises UserError where a float could not hold it."""
    if match := _NUMBER.fullmatch(text.strip()):
        plain, scaled, letter = match.groups()
        try:
            exact = Decimal(_digits(plain or scaled + _POWERS[letter]))
            if math.isfinite(float(exact)):
                return exact
        except InvalidOperation:  # an exponent of twenty digits
            pass
    raise UserError(f"{text!r} is not a number, such as 50, 2e7 or 20M")


def _time(text: str) -> float:
    """Return the seconds that `text` means, or NaN."""
    if clock := _CLOCK.fullmatch(text):
        return float(int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3]))
    if (match := _TIME.fullmatch(text)) and text:
        return math.fsum(
            float(_digits(part or "0")) * unit for part, unit in zip(match.groups(), _UNITS.values(), strict=True)
        )
    plain = _NUMBER.fullmatch(text)
    return float(_digits(plain[1])) if plain and plain[1] else math.nan


def _digits(text: str) -> str:
    return text.replace(",", "").replace("_", "")

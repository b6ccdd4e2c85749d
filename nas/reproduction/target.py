"""Which number is to be reached? Written as a share or in percent, as papers do."""

from nas.core import parts
from nas.core.errors import UserError
from nas.core.words import unknown


def is_share(metric: str) -> bool:
    """Return whether a metric lies between 0 and 1. Raises UserError for one that there is not."""
    known = parts.names("metric")
    if metric not in known:
        raise UserError(unknown("metric", metric, known))
    return bool(getattr(parts.get("metric", metric), "is_share", False))


def target_of(value: float, metric: str) -> float:
    """Return what a target written as `value` means: of a share, 69.758 and 0.69758 are the same.

    Raises UserError for a number that is neither, and for an unknown metric.
    """
    if not is_share(metric):
        return value
    if not 0 < value <= 100:
        raise UserError(
            f"the target {value:g} is no {metric}: give a share such as 0.69758, or in percent such as 69.758"
        )
    return value if value <= 1 else value / 100


def shown(value: float, metric: str) -> str:
    """Return a value as it is told: shares in percent."""
    return f"{100 * value:.3f} %" if is_share(metric) else f"{value:.6g}"

"""How does a curve become bytes, and the same curve again, to the bit?"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.core.plain import canonical
from nas.history.values import Curve

_EPOCH, _FLOAT = np.dtype("<i4"), np.dtype("<f8")
Packed = tuple[str, bytes, bytes, bytes, str]  # as the columns of the file: see `packed`
Points = dict[int, dict[str, float]]


@dataclass(frozen=True)
class Body:
    """What the training gave. `points` and `seconds` by epoch, rising."""

    points: Mapping[int, Mapping[str, float]]
    seconds: Mapping[int, float]
    cheap: Mapping[str, float]

    @classmethod
    def of(cls, curve: Curve) -> "Body":
        return cls(curve.points, curve.seconds, curve.cheap)


def packed(body: Body) -> Packed:
    """Return names of metrics, epochs [E], values [metrics, E], seconds [E] and cheap metrics.

    A metric that an epoch lacks is NaN, and so are seconds that are not known: neither is ever NaN itself.
    """
    epochs = list(body.points)
    names = sorted({name for point in body.points.values() for name in point})
    values = [[point.get(name, math.nan) for point in body.points.values()] for name in names]
    seconds = [body.seconds.get(epoch, math.nan) for epoch in epochs] if body.seconds else []
    return (
        canonical(names), np.array(epochs, _EPOCH).tobytes(), np.array(values, _FLOAT).tobytes(),
        np.array(seconds, _FLOAT).tobytes(), canonical(dict(body.cheap)),
    )  # fmt: skip


def unpacked(content: Packed) -> Body:
    """Return what `packed` was given, to the bit."""
    names, epochs, values, seconds, cheap = content
    at = np.frombuffer(epochs, _EPOCH).tolist()
    table = np.frombuffer(values, _FLOAT).reshape(-1, len(at))
    known = np.frombuffer(seconds, _FLOAT).tolist()
    took = {epoch: value for epoch, value in zip(at, known, strict=True) if value == value} if known else {}
    return Body(dict(zip(at, _points(json.loads(names), table), strict=True)), took, json.loads(cheap))


def _points(names: list[str], table: NDArray[np.float64]) -> list[dict[str, float]]:
    """Return the metrics of each epoch, those that it has."""
    rows = table.T.tolist()
    if not np.isnan(table).any():
        return [dict(zip(names, row, strict=True)) for row in rows]
    return [{name: value for name, value in zip(names, row, strict=True) if value == value} for row in rows]

"""How does a curve become bytes, and the same curve again, to the bit?"""

import json
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.core.errors import Corrupt
from nas.core.plain import canonical
from nas.history.values import Curve

_EPOCH, _FLOAT = np.dtype("<i4"), np.dtype("<f8")
Packed = tuple[str, bytes, bytes, bytes, str, int]  # as the columns of the file: see `packed`
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
    """Return names of metrics, epochs [E], values [metrics, E], seconds [E], cheap metrics, and a check sum.

    A metric that an epoch lacks is NaN, and so are seconds that are not known: neither is ever NaN itself.
    """
    epochs = list(body.points)
    names = sorted({name for point in body.points.values() for name in point})
    values = [[point.get(name, math.nan) for point in body.points.values()] for name in names]
    seconds = [body.seconds.get(epoch, math.nan) for epoch in epochs] if body.seconds else []
    content = (
        canonical(names), np.array(epochs, _EPOCH).tobytes(), np.array(values, _FLOAT).tobytes(),
        np.array(seconds, _FLOAT).tobytes(), canonical(dict(body.cheap)),
    )  # fmt: skip
    return *content, _check(*content)


def unpacked(content: Packed, where: str) -> Body:
    """Return what `packed` was given. Raises Corrupt, naming `where` it lies, unless it is so to the byte."""
    *parts, check = content
    if _check(*parts) != check:  # type: ignore[arg-type]
        raise Corrupt(f"{where} is damaged: a curve is not what was written; put a copy in its place, or make it anew")
    names, epochs, values, seconds, cheap = content[:5]
    at = np.frombuffer(epochs, _EPOCH).tolist()
    table = np.frombuffer(values, _FLOAT).reshape(-1, len(at))
    known = np.frombuffer(seconds, _FLOAT).tolist()
    took = {epoch: value for epoch, value in zip(at, known, strict=True) if value == value} if known else {}
    return Body(dict(zip(at, _points(json.loads(names), table), strict=True)), took, json.loads(cheap))


def _points(names: list[str], table: NDArray[np.float64]) -> Iterator[dict[str, float]]:
    """Yield the metrics of each epoch, those that it has."""
    for row in table.T.tolist():
        yield {name: value for name, value in zip(names, row, strict=True) if value == value}


def _check(names: str, epochs: bytes, values: bytes, seconds: bytes, cheap: str) -> int:
    return zlib.crc32(b"\0".join((names.encode(), epochs, values, seconds, cheap.encode())))

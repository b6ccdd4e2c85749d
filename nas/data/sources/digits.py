"""The data set `digits`."""

from dataclasses import dataclass
from typing import ClassVar

from nas.core.parts import part
from nas.data.source import Source


@part("data", "digits")
@dataclass(frozen=True)
class Digits(Source):
    """Handwritten digits, 1x8x8, bundled."""

    reader: ClassVar[str] = "digits"
    classes: ClassVar[int] = 10

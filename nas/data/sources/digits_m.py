"""The data set `digits-m`."""

from dataclasses import dataclass
from typing import ClassVar

from nas.core.parts import part
from nas.data.source import Source


@part("data", "digits-m")
@dataclass(frozen=True)
class DigitsM(Source):
    """Handwritten digits blended with photographs, 3x16x16, bundled."""

    reader: ClassVar[str] = "digits"
    classes: ClassVar[int] = 10

"""The data set `digits`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nas.core.parts import part
from nas.data.source import Source

if TYPE_CHECKING:
    from nas.data.images import Images


@part("data", "digits")
@dataclass(frozen=True)
class Digits(Source):
    """Handwritten digits, 1x8x8, bundled."""

    classes: ClassVar[int] = 10

    def load(self, part: str, image_size: int | None, resident_bytes: int | None) -> "Images":
        from nas.data.digits import load  # here, for --help to stay quick

        return load(self.name, part, image_size, resident_bytes)

    def files_of(self, part: str) -> Sequence[Path]:
        from nas.data.digits import files_of

        return files_of(self.name, part)

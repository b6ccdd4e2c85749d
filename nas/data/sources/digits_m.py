"""The data set `digits-m`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nas.core.parts import part
from nas.data.source import Source

if TYPE_CHECKING:
    from nas.data.images import Images


@part("data", "digits-m")
@dataclass(frozen=True)
class DigitsM(Source):
    """Handwritten digits blended with photographs, 3x16x16, bundled."""

    classes: ClassVar[int] = 10

    def load(self, part: str, image_size: int | None, resident_bytes: int | None) -> "Images":
        from nas.data.digits import load  # here, for --help to stay quick

        return load(self.name, part, image_size, resident_bytes)

    def files_of(self, part: str) -> Sequence[Path]:
        from nas.data.digits import files_of

        return files_of(self.name, part)

"""The data set `flowers17`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nas.core.parts import part
from nas.data.source import Source

if TYPE_CHECKING:
    from nas.data.images import Images


@part("data", "flowers17")
@dataclass(frozen=True)
class Flowers17(Source):
    """Oxford's 17 flower categories, photographs, 60 MB."""

    classes: ClassVar[int] = 17
    downloads: ClassVar[tuple[str, ...]] = (
        "flowers17/images",
        "flowers17/datasplits.mat",
    )

    def load(self, part: str, image_size: int | None, resident_bytes: int | None) -> "Images":
        from nas.data.flowers17 import load  # here, for --help to stay quick

        return load(self.name, part, image_size, resident_bytes)

    def files_of(self, part: str) -> Sequence[Path]:
        from nas.data.flowers17 import files_of

        return files_of(self.name, part)

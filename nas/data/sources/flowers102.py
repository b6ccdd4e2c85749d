"""The data set `flowers102`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nas.core.parts import part
from nas.data.source import Source

if TYPE_CHECKING:
    from nas.data.images import Images


@part("data", "flowers102")
@dataclass(frozen=True)
class Flowers102(Source):
    """Oxford's 102 flower categories, photographs, 345 MB."""

    classes: ClassVar[int] = 102
    downloads: ClassVar[tuple[str, ...]] = (
        "flowers-102/jpg",
        "flowers-102/imagelabels.mat",
        "flowers-102/setid.mat",
    )

    def load(self, part: str, image_size: int | None, resident_bytes: int | None) -> "Images":
        from nas.data.vision import load  # here, for --help to stay quick

        return load(self.name, part, image_size, resident_bytes)

    def files_of(self, part: str) -> Sequence[Path]:
        from nas.data.vision import files_of

        return files_of(self.name, part)

"""The data set `fashion-mnist`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nas.core.parts import part
from nas.data.source import Source

if TYPE_CHECKING:
    from nas.data.images import Images


@part("data", "fashion-mnist")
@dataclass(frozen=True)
class FashionMnist(Source):
    """Pieces of clothing, 1x28x28, 30 MB."""

    classes: ClassVar[int] = 10
    downloads: ClassVar[tuple[str, ...]] = (
        "FashionMNIST/raw/train-images-idx3-ubyte",
        "FashionMNIST/raw/t10k-labels-idx1-ubyte",
    )

    def load(self, part: str, image_size: int | None, resident_bytes: int | None) -> "Images":
        from nas.data.vision import load  # here, for --help to stay quick

        return load(self.name, part, image_size, resident_bytes)

    def files_of(self, part: str) -> Sequence[Path]:
        from nas.data.vision import files_of

        return files_of(self.name, part)

"""The data set `cifar10`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nas.core.parts import part
from nas.data.source import Source

if TYPE_CHECKING:
    from nas.data.images import Images


@part("data", "cifar10")
@dataclass(frozen=True)
class Cifar10(Source):
    """Small photographs of ten kinds, 3x32x32, 170 MB."""

    classes: ClassVar[int] = 10
    downloads: ClassVar[tuple[str, ...]] = (
        "cifar-10-batches-py/data_batch_5",
        "cifar-10-batches-py/test_batch",
    )

    def load(self, part: str, image_size: int | None, resident_bytes: int | None) -> "Images":
        from nas.data.vision import load  # here, for --help to stay quick

        return load(self.name, part, image_size, resident_bytes)

    def files_of(self, part: str) -> Sequence[Path]:
        from nas.data.vision import files_of

        return files_of(self.name, part)

"""The data set `cifar10`."""

from dataclasses import dataclass
from typing import ClassVar

from nas.core.parts import part
from nas.data.source import Source


@part("data", "cifar10")
@dataclass(frozen=True)
class Cifar10(Source):
    """Small photographs of ten kinds, 3x32x32, 170 MB."""

    reader: ClassVar[str] = "vision"
    classes: ClassVar[int] = 10
    downloads: ClassVar[tuple[str, ...]] = (
        "cifar-10-batches-py/data_batch_5",
        "cifar-10-batches-py/test_batch",
    )

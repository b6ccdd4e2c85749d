"""The data set `fashion-mnist`."""

from dataclasses import dataclass
from typing import ClassVar

from nas.core.parts import part
from nas.data.source import Source


@part("data", "fashion-mnist")
@dataclass(frozen=True)
class FashionMnist(Source):
    """Pieces of clothing, 1x28x28, 30 MB."""

    reader: ClassVar[str] = "vision"
    classes: ClassVar[int] = 10
    downloads: ClassVar[tuple[str, ...]] = (
        "FashionMNIST/raw/train-images-idx3-ubyte",
        "FashionMNIST/raw/t10k-labels-idx1-ubyte",
    )

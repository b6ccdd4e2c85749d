"""The data set `flowers102`."""

from dataclasses import dataclass
from typing import ClassVar

from nas.core.parts import part
from nas.data.source import Source


@part("data", "flowers102")
@dataclass(frozen=True)
class Flowers102(Source):
    """Oxford's 102 flower categories, photographs, 345 MB."""

    reader: ClassVar[str] = "vision"
    classes: ClassVar[int] = 102
    downloads: ClassVar[tuple[str, ...]] = (
        "flowers-102/jpg",
        "flowers-102/imagelabels.mat",
        "flowers-102/setid.mat",
    )

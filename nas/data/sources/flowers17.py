"""The data set `flowers17`."""

from dataclasses import dataclass
from typing import ClassVar

from nas.core.parts import part
from nas.data.source import Source


@part("data", "flowers17")
@dataclass(frozen=True)
class Flowers17(Source):
    """Oxford's 17 flower categories, photographs, 60 MB."""

    reader: ClassVar[str] = "flowers17"
    classes: ClassVar[int] = 17
    downloads: ClassVar[tuple[str, ...]] = (
        "flowers17/images",
        "flowers17/datasplits.mat",
    )

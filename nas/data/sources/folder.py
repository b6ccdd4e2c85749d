"""A folder of the user's own images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.data.source import Source

if TYPE_CHECKING:
    from nas.data.images import Images


@part("data", "folder")
@dataclass(frozen=True)
class Folder(Source):
    """A folder with train/CLASS/IMAGE and, if there, val/ and test/ alike."""

    hidden: ClassVar[bool] = True  # it is named by its path

    path: str = parameter("", "of the folder")

    def load(self, part: str, image_size: int | None, resident_bytes: int | None) -> "Images":
        from nas.data.folder import load  # here, for --help to stay quick

        return load(self.path, part, image_size, resident_bytes)

    def files_of(self, part: str) -> Sequence[Path]:
        from nas.data.folder import files_of

        return files_of(self.path, part)

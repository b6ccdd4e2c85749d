"""A folder of the user's own images."""

from dataclasses import dataclass
from typing import ClassVar

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.data.source import Source


@part("data", "folder")
@dataclass(frozen=True)
class Folder(Source):
    """A folder with train/CLASS/IMAGE and, if there, val/ and test/ alike."""

    hidden: ClassVar[bool] = True  # it is named by its path
    reader: ClassVar[str] = "folder"

    path: str = parameter("", "of the folder")

    @property
    def place(self) -> str:
        """Where it lies."""
        return self.path

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
    reader: ClassVar[str] = "folder"

    path: str = parameter("", "of the folder")
    official: bool = parameter(False, "whether val/ is the test part where there is no test/")

    def load(self, part: str, image_size: int | None, resident_bytes: int | None) -> "Images":
        """Return the "train" or "test" part. Raises UserError for what is missing or broken."""
        images: Images = self._read().load(self.path, part, image_size, resident_bytes, self.official)
        return images

    def files_of(self, part: str) -> Sequence[Path]:
        """Return the files of the part."""
        files: Sequence[Path] = self._read().files_of(self.path, part, self.official)
        return files

    def test_part(self) -> str:
        """Return in words what its test part is."""
        name: str = self._read().test_part(self.path, self.official)
        return f"{name} of {self.path}"

    @property
    def place(self) -> str:
        """Where it lies."""
        return self.path

"""What is a data set known by its name? How many classes it has, whether it is here, and how it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar

from nas.core.parts import Part, summary
from nas.data.download import cache_dir

if TYPE_CHECKING:
    from nas.data.images import Images


@dataclass(frozen=True)
class Source(Part):
    """Where images come from."""

    reader: ClassVar[str] = ""  # the module of nas.data that reads it
    classes: ClassVar[int] = 0
    downloads: ClassVar[tuple[str, ...]] = ()  # what a download leaves below the cache directory

    @property
    def description(self) -> str:
        """What it is, in a line."""
        return summary(type(self)).rstrip(".")

    def present(self) -> bool:
        """Whether it loads without a download."""
        return all((cache_dir() / file).exists() for file in self.downloads)

    def load(self, part: str, image_size: int | None, resident_bytes: int | None) -> "Images":
        """Return the "train" or "test" part. Raises UserError for what is missing or broken."""
        images: Images = self._read().load(self.place, part, image_size, resident_bytes)
        return images

    def files_of(self, part: str) -> Sequence[Path]:
        """Return the files of the part; none of a data set that is always in memory."""
        files: Sequence[Path] = self._read().files_of(self.place, part)
        return files

    def test_part(self) -> str:
        """Return in words what its test part is."""
        return f"the test part of {self.place}"

    @property
    def place(self) -> str:
        """What its reader knows it by."""
        return self.name

    def _read(self) -> ModuleType:
        return import_module(f"nas.data.{self.reader}")  # when it is read, for --help to stay quick

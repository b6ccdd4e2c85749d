"""Which files are the images of each class, and what else lies beside them?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from nas.core.errors import UserError
from nas.data.paths import Paths
from nas.data.picture import suffixes

_NAMED, _LISTED = 3, 20  # folders that are told by name, and classes that differ


@dataclass(frozen=True)
class Listing:
    """Files with their labels, class by class in the classes' order."""

    files: Paths
    labels: Sequence[int]

    def __add__(self, other: Listing) -> Listing:
        return Listing(Paths([*self.files.names, *other.files.names]), [*self.labels, *other.labels])

    def pick(self, numbers: torch.Tensor) -> Listing:
        chosen = numbers.tolist()
        return Listing(Paths([self.files.names[n] for n in chosen]), [self.labels[n] for n in chosen])


def listing(directory: Path, classes: tuple[str, ...]) -> Listing:
    """The images in the class folders of `directory`. Raises UserError where these are not those of `classes`."""
    check_classes(directory, class_names(directory), classes)
    per_class = [_image_files(folder) for folder in _folders(directory)]
    labels = [label for label, files in enumerate(per_class) for _ in files]
    return Listing(Paths([file for files in per_class for file in files]), labels)


def check_classes(directory: Path, found: Sequence[str], classes: Sequence[str]) -> None:
    """Raise UserError where the classes `found` in `directory` are not those of train/."""
    missing, extra = sorted(set(classes) - set(found)), sorted(set(found) - set(classes))
    lacks = f" lacks {_listed(missing)}" if missing else ""
    adds = f" adds {_listed(extra)}" if extra else ""
    if missing or extra:
        raise UserError(f"{directory}: not the classes of train/:{lacks}{adds}: make them the same")


def class_names(directory: Path) -> tuple[str, ...]:
    """The names of the class folders, sorted."""
    return tuple(map(_name, _folders(directory)))


def left_out(directories: Sequence[Path], root: Path | None = None, parts: Sequence[Path] = ()) -> str:
    """What is no image of a class in `directories`, in words; of `root` also folders that are none of its `parts`."""
    deep = dict[str, int]()
    loose = others = 0
    for directory in directories:
        loose += sum(map(_is_image, _files(directory)))
        for folder in _folders(directory):
            others += sum(not _is_image(file) for file in _files(folder))
            if below := _below(folder):
                deep[_name(folder)] = deep.get(_name(folder), 0) + below
    told = [
        f"{sum(deep.values()):,} in sub-folders of {_named(deep)}" if deep else "",
        f"{loose:,} outside of the class folders" if loose else "",
        f"{others:,} not images" if others else "",
        *(f'all in "{_name(place)}"' for place in (_no_parts(root, parts) if root else ())),
    ]
    return ", ".join(filter(None, told))


def _no_parts(root: Path, parts: Sequence[Path]) -> Iterator[Path]:
    """Yield the folders with images beside those of the parts; of one that may hold tests only the name is seen."""
    for each in _folders(root):
        tests = each.name.lower().startswith("test")
        if each not in parts and (tests or any(map(_is_image, _files_below(each)))):
            yield each


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more:,} more" if more > 0 else "")


def _named(names: Sequence[str] | dict[str, int]) -> str:
    told = [f'"{name}"' for name in list(names)[:_NAMED]]
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join([*told, *more])


def _image_files(directory: Path) -> list[str]:
    files = image_names(directory)
    if not files:
        below = _below(directory)
        cure = f"there are {below:,} in its sub-folders, move them up" if below else "add some or remove the folder"
        raise UserError(f"{directory}: no image files (.jpg, .png, or others that Pillow reads): {cure}")
    return [f"{directory}{os.sep}{file}" for file in files]


def image_names(directory: Path) -> list[str]:
    """The names of the image files that lie in a folder itself, sorted."""
    return sorted(filter(_is_image, _files(directory)))


def _below(directory: Path) -> int:
    """How many images lie in its sub-folders."""
    return sum(_is_image(file) for folder in _folders(directory) for file in _files_below(folder))


def _folders(directory: Path) -> list[Path]:
    with os.scandir(directory) as entries:
        return sorted((Path(entry) for entry in entries if _visible(entry.name) and entry.is_dir()), key=_name)


def _name(folder: Path) -> str:
    """The name as UTF-8 has it, whatever the locale: a class is called the same on every machine."""
    return os.fsencode(folder.name).decode("utf-8", "surrogateescape")


def _files(directory: Path) -> Iterator[str]:
    """Yield the names of the files in a folder: one look at it tells which these are."""
    with os.scandir(directory) as entries:
        for entry in entries:
            # A link to nothing is a file that is missed; a pipe would be waited for.
            if _visible(entry.name) and (entry.is_file() or (entry.is_symlink() and not Path(entry).exists())):
                yield entry.name


def _files_below(directory: Path) -> Iterator[str]:
    """Yield the names of the files in a folder and in those below it, but for links to folders."""
    for place, _, _ in os.walk(directory):
        yield from _files(Path(place))


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in suffixes()  # noqa: PTH122 (of many files)


def _visible(name: str) -> bool:
    return not name.startswith(".")  # what tools leave behind: .ipynb_checkpoints, ._image.jpg

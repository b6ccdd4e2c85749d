"""`nas predict MODEL IMAGE...`: what does the trained network see in these images?"""

from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from nas.cli.commands.say import warn
from nas.cli.commands.table import Table, shown
from nas.core.errors import UserError
from nas.core.plain import canonical
from nas.data.decode import decode_as
from nas.data.parallel import in_threads
from nas.data.picture import suffixes
from nas.deploy import predictors
from nas.runs.description import Description

_BATCH = 256  # images in memory at a time
_TOP = 3


@dataclass(frozen=True)
class Seen:
    """The likeliest classes of an image with their probabilities, the likeliest first."""

    image: Path
    classes: tuple[tuple[str, float], ...]

    def to_json(self) -> str:
        """Return one line."""
        ranking = [{"class": name, "probability": probability} for name, probability in self.classes]
        return canonical({"image": str(self.image), "classes": ranking})


def predict(flags: Namespace) -> int:
    """Print the likeliest classes of every image. Exit status 2 where one could not be read."""
    known, probabilities = predictors.load(flags.model, flags.space)
    faults, seen, images = list[UserError](), list[Seen](), iter(_files(flags.images))
    while batch := list(islice(images, _BATCH)):
        decoded = in_threads(lambda path: _decoded(path, known), batch)
        whole = [(path, pixels) for path, pixels in zip(batch, decoded, strict=True) if isinstance(pixels, Tensor)]
        faults += [error for error in decoded if isinstance(error, UserError)]
        if whole:
            likely = probabilities(torch.stack([pixels for _, pixels in whole]))
            seen += [Seen(path, _top(row, known.classes)) for (path, _), row in zip(whole, likely, strict=True)]
    if flags.json:
        for each in seen:
            print(each.to_json())
    elif seen:
        print(shown(_table(seen)))
    for fault in faults:
        warn(fault)
    return UserError.exit_status if faults else 0


def _files(given: Iterable[Path]) -> Iterator[Path]:
    """Yield the images that are meant: a folder stands for the image files in it, by name."""
    for path in given:
        if path.is_dir():
            visible = [each for each in path.iterdir() if not each.name.startswith(".")]
            inside = sorted(each for each in visible if each.is_file() and each.suffix.lower() in suffixes())
            if len(inside) < len(visible):
                warn(f"{path}: left out: {len(visible) - len(inside)} that are no image files, or folders")
            yield from inside or [path]
        else:
            yield path


def _decoded(path: Path, known: Description) -> Tensor | UserError:
    if path.is_dir():
        return UserError(f"{path}: no image files in this folder")
    try:
        return decode_as(path, known.shape, known.ranges)
    except UserError as error:
        return error


def _top(probabilities: Tensor, classes: Sequence[str]) -> tuple[tuple[str, float], ...]:
    values, numbers = probabilities.topk(min(_TOP, len(classes)))
    return tuple((classes[number], value) for number, value in zip(numbers.tolist(), values.tolist(), strict=True))


def _table(seen: Sequence[Seen]) -> Table:
    table = Table("image")
    for place in range(len(seen[0].classes)):
        table.add_column("class" if not place else f"class {place + 1}")
        table.add_column("probability", justify="right")
    for each in seen:
        table.add_row(each.image, *(cell for name, p in each.classes for cell in (name, f"{p:.4f}")))
    return table

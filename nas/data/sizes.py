"""Which size do the images of a data set get, when their files have sizes of their own?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nas.core.errors import UserError
from nas.data.parallel import all_in_threads
from nas.data.picture import LARGEST_OWN_SIZE, Size, check_whole, own_size

USUAL = (LARGEST_OWN_SIZE, LARGEST_OWN_SIZE)  # of images whose files differ in size, or are larger


def alike(files: Iterable[Path]) -> Size | None:
    """Return the height and width that all images have, if these are one, and small enough to be kept.

    Reads headers only, and no more than settle it. Raises UserError for a broken file, naming the others, too.
    """
    common: Size | None = None
    paths = list(files)
    for path in paths:
        try:
            size = own_size(path)
        except UserError:
            all_in_threads(check_whole, paths)  # raises one that names the others
            raise
        if max(size) > LARGEST_OWN_SIZE or size != (common or size):
            return None
        common = size
    return common

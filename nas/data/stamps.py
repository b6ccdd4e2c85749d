"""Are these the files that were there before? Told by their names, sizes and times, without reading any."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from nas.data.paths import names_of
from nas.data.picture import broken

_LENGTH = 16  # bytes; half as many of the times


@dataclass(frozen=True)
class Stamps:
    """Digests of files in their order, raw bytes."""

    names: bytes  # names and sizes, whatever folder they lie in
    times: bytes  # when each was last changed, in whole seconds: archives keep no more
    place: bytes  # all that changes with a file on this machine, beside the two


def stamps(paths: Sequence[Path]) -> Stamps:
    """Return what the file system says of the files. Raises UserError for one that is not there."""
    names, times, place = (blake2b(digest_size=size) for size in (_LENGTH, _LENGTH // 2, _LENGTH))
    for path in names_of(paths):
        try:
            found = os.stat(path)  # noqa: PTH116 (of many files: making a Path takes longer than this)
        except OSError as error:
            raise broken(Path(path), error) from error
        names.update(os.fsencode(f"{os.path.basename(path)}\0{found.st_size}\0"))  # noqa: PTH119
        times.update(b"%d " % (found.st_mtime_ns // 10**9))
        place.update(b"%d %d %d %d " % (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev))
    place.update(names.digest())
    return Stamps(names.digest(), times.digest(), place.digest())

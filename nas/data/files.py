"""How does a list of labelled image files become Images, in memory or streamed by their size?"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import torch

from nas.data.decode import Size, decode, in_threads, read
from nas.data.images import Images, content_digest, fits_in_memory


def from_files(
    name: str,
    part: str,
    classes: Sequence[str],
    files: Sequence[Path],
    labels: Sequence[int],
    size: Size,
    holdout: Sequence[int] = (),
    resident_bytes: int | None = None,
) -> Images:
    """Images of `files`, decoded to RGB of `size`: at once where they fit in memory, else on access.

    Either way every file is read once here, for the digest. Raises UserError, naming the file, for one that
    is missing, and when decoded at once for one that is broken.
    """
    shape = (3, *size)
    keep = fits_in_memory(len(files), shape, resident_bytes)
    pixels = torch.empty((len(files), *shape), dtype=torch.uint8) if keep else None

    def take(index: int) -> bytes:
        content = read(files[index])
        if pixels is not None:
            pixels[index] = decode(files[index], size, content)
        return blake2b(content, digest_size=16).digest()

    contents = in_threads(take, range(len(files)))
    targets = torch.tensor(labels, dtype=torch.int64)
    return Images(
        name,
        part,
        tuple(classes),
        shape,
        targets,
        pixels,
        files=() if keep else tuple(files),
        holdout=tuple(holdout),
        digest=content_digest(classes, shape, targets, holdout, contents),
    )

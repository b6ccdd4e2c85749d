"""Which images is a published result judged by, and which may be trained on before that?

Those of val/ where a folder has it and no test/, as of ImageNet: there all of train/ is the training part. Of any
other data set the test part. A search with `ImageTask(official=True)` has that training part alone: it is judged by
what `nas.data.folds.splits` sets aside of that, and never loads what the result is judged by.
"""

import torch

from nas.data import load
from nas.data.catalog import official_test_part
from nas.training.pieces import TRAINING, Piece

JUDGED = "judged"  # the piece by which the result is judged
OFFICIAL = "official"  # what evidence says under "judged" where a training has been judged so


def pieces(
    data: str, image_size: int | None, device: str, *, resident_bytes: int | None = None, decoders: int = 0
) -> dict[str, Piece]:
    """Return all images of the training part as "training", and those that it is judged by as "judged".

    Images are loaded as by `nas.data.load`, and lie on `device` where they fit in memory. Raises UserError as it does.
    """
    found = dict[str, Piece]()
    for name, part in ((TRAINING, "train"), (JUDGED, "test")):
        images = load(data, part, image_size, resident_bytes=resident_bytes, decoders=decoders, official=True)
        found[name] = Piece(images.to(device), torch.arange(len(images)))
    return found


def judged_by(data: str) -> str:
    """Return in words what the judged part is, such as "val/ of DIR". Raises UserError where there are no such data."""
    return official_test_part(data)

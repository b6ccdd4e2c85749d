"""`nas data [NAME|DIR]`: what is in a data set, once every image of it is read? Or which are there?"""

import sys
from argparse import Namespace

from nas.cli.commands.listing import list_data
from nas.cli.commands.say import say


def data(flags: Namespace) -> int:
    """Tell of a data set all that reading it shows; without one list those that have names."""
    return _told(flags.dataset, flags.image_size) if flags.dataset else list_data()


def _told(name: str, image_size: int | None) -> int:
    """Read every file; print how many images are what, and the digests. Raises UserError, naming what is broken."""
    from nas.data import load
    from nas.data.catalog import check_test_part, read_training
    from nas.data.remarks import remarks

    read_training(name)
    images = load(name, "train", image_size, resident_bytes=0)
    test = check_test_part(name, images.ranges)
    shape = "x".join(map(str, images.shape))
    say(f"{name}: {len(images):,} training images {shape}, {len(images.classes):,} classes")
    for note in remarks(images, 1, test):
        say(note)
    say(f"digest by contents: {images.digest}")
    if images.listing:
        say(f"digest by names, sizes and times: {images.listing}")
    say("every image was read, and none is broken", sys.stderr)
    return 0

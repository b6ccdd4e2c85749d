"""Where do libraries keep what they remember? In the user's home; who has none is given one for temporary files."""

import os
import tempfile
from pathlib import Path


def prepare() -> None:
    """Name a home folder to this process and its children, where a container knows its user by a number only."""
    try:
        Path.home()
    except RuntimeError:
        home = Path(tempfile.gettempdir(), f"nas-{os.getuid()}")
        home.mkdir(mode=0o700, exist_ok=True)
        os.environ["HOME"] = str(home)

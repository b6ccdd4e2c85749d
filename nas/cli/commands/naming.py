"""Which name has the folder of a run that was given none? What it is, when it began, and what no other has."""

import secrets
from datetime import datetime

_LONGEST = 100  # characters of what it is, for a file system takes 255 bytes


def fresh(subject: str) -> str:
    """Return a name that no other process chooses, not even in the same second."""
    return f"{subject[-_LONGEST:]}-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"

"""Which name may a file have that stands for any text? Small letters, digits and dashes, of bounded length."""

import re
from collections.abc import Iterable

_LONGEST = 60


def slug(text: str) -> str:
    """Return `text` as part of a file's name, or of an id on a page: never empty, the same for some that are alike."""
    return re.sub(r"[^a-z0-9_]+", "-", text.lower())[:_LONGEST].strip("-") or "unnamed"


def slugs(texts: Iterable[str]) -> list[str]:
    """Return a slug for each, no two the same: later ones that would be are numbered."""
    found = list[str]()
    for text in texts:
        base, number = slug(text), 1
        name = base
        while name in found:
            number += 1
            name = f"{base}-{number}"
        found.append(name)
    return found

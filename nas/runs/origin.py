"""Is a trained network the one of its saved configuration? All that decides that, but for the machine."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from nas.core.digests import is_listed
from nas.core.errors import UserError
from nas.core.plain import canonical
from nas.runs.description import Description
from nas.runs.folder import SPEC, read_json
from nas.runs.saved import Saved

_OF_RUNS = ("best.json", "default.json")  # which spec.json beside them tells of, too
_UNKNOWN = 0


@dataclass(frozen=True)
class Origin:
    """What a network is trained from. `image_size` is what was asked for, if that is known.

    Digests are empty where they are not known: older files lack some.
    """

    config: Mapping[str, Any]
    space_digest: str
    space_source: str
    data: str
    image_size: int | None
    data_digest: str
    epochs: int
    seed: int

    def unlike(self, own: "Origin") -> list[str]:
        """Return in words what is not as in `own`; nothing where both give the same network."""
        told = list[str]()
        if dict(self.config) != dict(own.config) or self.space_digest != own.space_digest:
            told.append("another configuration")
        if self.space_source and own.space_source and self.space_source != own.space_source:
            told.append("a space that has changed since")
        if self._has_other_images(own):
            named = f"images of {self._images()}, not of {own._images()}"
            told.append(f"other images of {own.data}" if self._says_the_same(own) else named)
        told += [f"epochs {self.epochs}, not {own.epochs}"] if self.epochs != own.epochs else []
        return told + ([f"seed {self.seed}, not {own.seed}"] if self.seed != own.seed else [])

    def _has_other_images(self, own: "Origin") -> bool:
        comparable = is_listed(self.data_digest) == is_listed(own.data_digest)
        if self.data_digest and own.data_digest and comparable:
            return self.data_digest != own.data_digest
        return not self._says_the_same(own)

    def _says_the_same(self, own: "Origin") -> bool:
        return self.data == own.data and self.image_size in (_UNKNOWN, own.image_size)

    def _images(self) -> str:
        return self.data + (f" at {self.image_size}x{self.image_size}" if self.image_size else "")

    def digest(self, *more: object) -> str:
        """Return eight hexadecimal digits that stand for it, and for what decides the outcome besides."""
        decisive = replace(self, data="", image_size=None)  # of which the digest tells
        return blake2b(canonical([decisive.__dict__, *more]).encode(), digest_size=4).hexdigest()


def of_network(known: Description) -> Origin:
    """Return what a network says of itself."""
    return Origin(
        known.config, known.space_digest, known.space_source, known.data, _UNKNOWN, known.data_digest, known.epochs,
        known.seed,
    )  # fmt: skip


def of_saved(content: Saved, file: Path) -> Origin:
    """Return what the network of the configuration `content` in `file` is trained from."""
    details = _details(file)
    source, digest = (content.evidence.get(name, details.get(name)) for name in ("space_source", "data_digest"))
    return Origin(
        content.config, content.space_digest, str(source or ""), content.data, content.image_size, str(digest or ""),
        content.epochs, content.seed,
    )  # fmt: skip


def _details(file: Path) -> Mapping[str, Any]:
    """Return what the run says in whose folder the file is, where it is one that the run wrote."""
    if file.name in _OF_RUNS:
        with suppress(UserError):
            details = read_json(file.parent / SPEC).get("details")
            return details if isinstance(details, dict) else {}
    return {}

"""What is known of the images that a run trained on? Their number, classes and shape, where they still lie here."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from nas.core.errors import UserError
from nas.history.values import Task


def name_of(details: Mapping[str, Any]) -> str:
    """Return the name of the task: of its data, with the size that images were brought to, if there is any."""
    data, size = str(details.get("data", "")), details.get("image_size")
    name = Path(data).name
    return f"{name}@{size}" if name and size else name


def task_of(name: str, details: Mapping[str, Any]) -> tuple[Task, str]:
    """Return the task called `name` with all that is known of it, and in a line why that is not more."""
    if "data" not in details:
        return Task(name), ""
    data, size, digest = str(details["data"]), details.get("image_size"), str(details.get("data_digest", ""))
    family = Path(data).name if name == name_of(details) else name
    shape, per_class, why = _looked_at(data, size, digest, bool(details.get("official")))
    if shape is None:
        return Task(name, family=family, digest=digest), f"nothing is known of the images of {name}: {why}"
    channels, height, width = shape
    return Task(name, sum(per_class), len(per_class), channels, (height, width), per_class, family, digest), ""


@lru_cache(16)
def _looked_at(
    data: str, size: int | None, digest: str, official: bool
) -> tuple[tuple[int, int, int] | None, tuple[int, ...], str]:
    """Return shape and images by class of the training images, or why they are not known; nothing is downloaded."""
    from nas.core import parts
    from nas.data import load

    if data in parts.names("data") and not parts.made("data", data).present():
        return None, (), "they are to be downloaded"
    try:
        images = load(data, "train", size, resident_bytes=0, official=official)
    except UserError as error:
        return None, (), str(error)
    if digest and images.digest_like(digest) != digest:
        return None, (), f"{data} has changed since"
    return images.shape, tuple(images.labels.bincount(minlength=len(images.classes)).tolist()), ""

"""What is to be known of the files of a train part before one becomes pixels? Of a sample of them, or of all."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from nas.data.download import cache_dir
from nas.data.parallel import all_in_threads
from nas.data.picture import LARGEST_OWN_SIZE, Assumed, Size, look_at, own_size, read
from nas.data.pixels import DEEP, Depth, Look, Ranges, ranges_of, unsettled
from nas.data.stamps import Stamps, stamps

SAMPLE = 1024  # files; a set of no more is read whole


@dataclass(frozen=True)
class Survey:
    """What the files that were looked at have shown."""

    count: int  # files in all
    seen: int  # files looked at
    kinds: Mapping[Depth, int]  # how many have values of each kind, where these are not bytes
    transparent: int  # how many shine through
    ranges: Ranges = field(default_factory=dict)  # of kinds that have none of their own
    size: Size | None = None  # of each file, where all were read, are alike and no larger than images stay
    contents: tuple[bytes, ...] = ()  # hashes of the files, where all were read
    stamps: Stamps | None = None

    @property
    def whole(self) -> bool:
        """Whether all files were looked at."""
        return self.seen == self.count

    def assumed(self, size: Size | None, cure: str) -> Assumed | None:
        """Return by what files that were not looked at are judged, if there are any."""
        return None if self.whole else Assumed(self.seen, size, DEEP in self.kinds, cure)


def is_large(paths: Sequence[Path]) -> bool:
    """Return whether these are more files than are read without need."""
    return len(paths) > SAMPLE


def sampled(paths: Sequence[Path]) -> Sequence[Path]:
    """Return SAMPLE of the files, evenly from the first to the last; all where there are no more."""
    if not is_large(paths):
        return paths
    return [paths[number * len(paths) // SAMPLE] for number in range(SAMPLE)]


def summary(looks: Sequence[Look], count: int, **more: Any) -> Survey:
    """Return what `looks` at some of `count` files say, with `more` that is known."""
    kinds = Counter(seen.depth for seen in looks if seen.depth.kind)
    return Survey(count, len(looks), kinds, sum(seen.transparent for seen in looks), **more)


def survey(name: str, paths: Sequence[Path]) -> Survey:
    """Return what is to be known of the files of the train part of `name`: of a sample, from headers.

    Of all, if they were read before and that is remembered, and if values are scaled by the range of them all.
    Raises UserError, naming the files, for those that are missing or seen to be broken.
    """
    if not is_large(paths):
        looks = all_in_threads(look_at, paths)
        return summary(looks, len(paths), ranges=ranges_of(name, looks))
    now = stamps(paths)
    if known := remembered(now):
        return known
    looks = all_in_threads(look_at, sampled(paths))
    return read_all(name, paths) if unsettled(looks) else summary(looks, len(paths), stamps=now)


def read_all(name: str, paths: Sequence[Path]) -> Survey:
    """Return what all files of a train part show; of many that is remembered. Raises UserError as `survey` does."""

    def take(path: Path) -> tuple[Look, Size, bytes]:
        content = read(path)
        return look_at(path, content), own_size(path, content), blake2b(content, digest_size=16).digest()

    before = stamps(paths)
    taken = all_in_threads(take, paths, f"reading all images of {name}, once")
    looks, sizes = [look for look, _, _ in taken], {size for _, size, _ in taken}
    own = sizes.pop() if len(sizes) == 1 else None
    found = summary(
        looks,
        len(paths),
        ranges=ranges_of(name, looks),
        size=own if own and max(own) <= LARGEST_OWN_SIZE else None,
        contents=tuple(content for _, _, content in taken),
        stamps=before,
    )
    if is_large(paths):
        _remember(before, found)
    return found


def remembered(files: Stamps) -> Survey | None:
    """Return what was seen when all of these files were read, if they are as they were then."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        return replace(_from_json(json.loads(_place(files).read_text(encoding="ascii"))), stamps=files)
    return None


def _remember(files: Stamps, found: Survey) -> None:
    """Keep it for other processes and later runs; who may not write there reads the files again."""
    place = _place(files)
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                json.dump(_to_json(found), file)
            Path(temporary).replace(place)
        finally:
            Path(temporary).unlink(missing_ok=True)


def _place(files: Stamps) -> Path:
    return cache_dir() / "surveys" / f"{files.place.hex()}.json"


def _to_json(found: Survey) -> dict[str, Any]:
    kinds = [[depth.kind, depth.low, depth.high, count] for depth, count in found.kinds.items()]
    return {
        "count": found.count, "kinds": kinds, "transparent": found.transparent, "ranges": dict(found.ranges),
        "size": found.size, "contents": b"".join(found.contents).hex(),
    }  # fmt: skip


def _from_json(told: Mapping[str, Any]) -> Survey:
    contents, length = bytes.fromhex(told["contents"]), 16
    hashes = tuple(contents[start : start + length] for start in range(0, len(contents), length))
    if len(hashes) != told["count"]:
        raise ValueError("half of a file")
    kinds = {Depth(kind, low, high): count for kind, low, high, count in told["kinds"]}
    ranges = {str(kind): (float(low), float(high)) for kind, (low, high) in told["ranges"].items()}
    size = (int(told["size"][0]), int(told["size"][1])) if told["size"] else None
    return Survey(told["count"], told["count"], kinds, int(told["transparent"]), ranges, size, hashes)

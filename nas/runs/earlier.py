"""What was the run that lies here begun with? Its parameters, its data and space by their digests, the packages."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.core.digests import only_times_differ
from nas.core.errors import UserError
from nas.runs.folder import SPEC, read_spec

_PLACES = {"data": ("data set", "data_digest"), "space": ("space", "space_source")}  # what decides is the digest


def parameters_begun(directory: Path | None, *given: object) -> dict[str, Any]:
    """Return the parameters of the parts, such as "evolution" or "halving", that the run in `directory` was begun with.

    Defaults change, a run does not: it goes on with those that nobody names. Nothing where no such run lies there.
    """
    if directory is None or not os.path.lexists(directory / SPEC):
        return {}
    spec, found = read_spec(directory), dict[str, Any]()
    for part in (spec.strategy.described(), spec.scheduler.described()):
        found |= part if part["name"] in [_name(each) for each in given] else {}
    found.pop("name", None)
    return found


def _name(given: object) -> str:
    return str(given.get("name") if isinstance(given, Mapping) else getattr(given, "name", given))


def as_begun(directory: Path, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return `details` with the data and the space where the run in `directory` had them, if one lies there.

    Raises UserError where they or the packages are others than it was begun with, saying what to do.
    """
    if not os.path.lexists(directory / SPEC):
        return dict(details)
    before = read_spec(directory).details
    if before.get("image_size") != details["image_size"]:
        return dict(details)  # so the images differ, and who compares the runs says why
    if only_times_differ(before.get("data_digest", ""), details["data_digest"]):
        raise UserError(
            f"--data {details['data']} has files of the names and sizes that {directory} was begun with, but of "
            "other times: copy them with their times (cp -p, rsync -t), or begin a new run"
        )
    for flag, (what, digest) in _PLACES.items():
        if before.get(digest, details[digest]) != details[digest]:
            raise UserError(
                f"--{flag} {details[flag]} is another {what} than {directory} was begun with: "
                f"say by --{flag} where that lies now, or begin a new run"
            )
    _check_packages(directory, dict(before.get("versions", {})), details["versions"])
    return {**details, **{flag: before[flag] for flag in _PLACES if flag in before}}


def _check_packages(directory: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise UserError where they have changed: the results might not come out again."""
    changed = [name for name in before if before[name] != now.get(name)]
    if changed:
        told = " and ".join(f"{name} {before[name]}, now {now.get(name, 'none')}" for name in changed)
        install = shlex.join(["pip", "install", *(f"{name}=={before[name]}" for name in changed)])
        raise UserError(f"{directory} was begun with {told}: go on after {install}, or begin a new run")

"""Which configurations does the user know to be good? Given as values or in a file, checked, each taken once."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas.core.configuration import checked_config
from nas.core.errors import UserError
from nas.core.types import Config

Named = tuple[str, Mapping[str, Any]]  # where a configuration comes from, and its values


def checked(space: ConfigurationSpace, given: Iterable[Named]) -> tuple[dict[str, Any], ...]:
    """Return the configurations of `given`, each once. Raises one UserError that names every one not of `space`."""
    configs, faults = dict[Config, None](), list[str]()
    for source, values in given:
        try:
            configs[checked_config(space, values, source)] = None
        except UserError as error:
            faults.append(str(error))
    if faults:
        raise UserError("; ".join(faults))
    return tuple(config.values for config in configs)


def named(initial: Iterable[Mapping[str, Any]], default: Mapping[str, Any] | None) -> list[Named]:
    """Return what a library user gives, the default first."""
    return [*([("default", default)] if default else []), *((f"initial[{i}]", each) for i, each in enumerate(initial))]


def read(path: Path) -> list[Named]:
    """Return the configurations in a file: one saved, as best.json, or one a line: saved, results, or plain values.

    Raises UserError where the file cannot be read or a line is none of these.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # with the mark that some editors begin a file with
    except (OSError, ValueError) as error:
        raise UserError(f"--initial {path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    whole = _decoded(text)
    if isinstance(whole, dict):
        return [(str(path), _values(whole))]
    if isinstance(whole, list) and whole and all(isinstance(each, dict) for each in whole):
        return [(f"{path}, number {number}", _values(each)) for number, each in enumerate(whole, 1)]
    found = list[Named]()
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            content = _decoded(line)
            if not isinstance(content, dict):
                raise UserError(
                    f"--initial {path}, line {number} is no configuration: give one JSON object a line, each name once"
                )
            found.append((f"{path}, line {number}", _values(content)))
    if not found:
        raise UserError(f"--initial {path} holds no configuration: give one JSON object a line")
    return found


def _decoded(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except ValueError:
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return them as a dict. Raises ValueError where a name is there twice: which one is meant?"""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name is there twice")
    return dict(pairs)


def _values(content: dict[str, Any]) -> Mapping[str, Any]:
    """Return the values in a saved configuration, in a result of history.jsonl, or in what is values itself."""
    job = content.get("job")
    if isinstance(job, dict) and isinstance(job.get("trial"), dict):
        content = job["trial"]
    inner = content.get("config")
    return inner if isinstance(inner, dict) else content

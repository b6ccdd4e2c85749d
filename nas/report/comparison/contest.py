"""Who competes, on which seeds, and under what? Written once, so that a comparison goes on after anything."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nas.core import parts
from nas.core.errors import UserError
from nas.core.plain import canonical, readable
from nas.core.slug import slug
from nas.runs.disk import sweep, write_atomically
from nas.runs.folder import COMPARISON, SPEC, check_empty, read_json
from nas.runs.lock import NOTE, locked

_USUAL = "halving"  # the scheduler of a strategy that names none


@dataclass(frozen=True)
class Contest:
    """`strategies` such as "evolution+asha", or "random" with the usual scheduler.

    `words` are the flags of all, and `asked` the same as values; comparisons of before have words only.
    """

    strategies: tuple[str, ...]
    seeds: tuple[int, ...]
    test_seeds: int
    words: tuple[str, ...]
    asked: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise UserError for a strategy that is not known, or that is there twice."""
        strategies, schedulers = parts.names("strategy"), parts.names("scheduler")
        for name in self.strategies:
            strategy, scheduler = _parted(name)
            if (strategy not in strategies and ".py:" not in strategy) or scheduler not in ("", *schedulers):
                raise UserError(
                    f"--strategies {name}: give one of {', '.join(strategies)}, "
                    f"or with a scheduler, as in evolution+full ({', '.join(schedulers)})"
                )
        whole = ["+".join((strategy, scheduler or _USUAL)) for strategy, scheduler in map(_parted, self.strategies)]
        for what, given in (("--strategies", whole), ("--seeds", self.seeds)):
            if len({*given}) < len(given):
                raise UserError(f"{what} {' '.join(map(str, given))}: each may be there once")

    def entries(self) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """Yield name, seed and what its search alone is asked for: all strategies on one seed before the next seed."""
        for seed in self.seeds:
            for name in self.strategies:
                strategy, scheduler = _parted(name)
                own = {"strategy": strategy, "scheduler": scheduler or _USUAL, "seed": seed}
                yield name, seed, {**own, "name": folder_of(name, seed)}

    def save(self, directory: Path) -> None:
        """Write it to its folder. Raises UserError where another comparison lies there."""
        keep(directory, asdict(self))


def keep(directory: Path, content: Mapping[str, Any]) -> None:
    """Write what is compared to the folder. Raises UserError where another comparison lies there."""
    file = directory / COMPARISON
    if not file.exists():
        write_atomically(file, readable(content))
        return
    before, now = read_json(file), json.loads(canonical(content))
    changed = [f"{key} {before.get(key)}, now {now[key]}" for key in now if before.get(key) != now[key]]
    if changed:
        raise UserError(f"{directory} is another comparison, with {'; '.join(changed)}: choose another --name")


@contextmanager
def alone(directory: Path, file: str = COMPARISON) -> Iterator[None]:
    """Let no other process work on the comparison in `directory` in the block; the folder is made if need be.

    `file` is what makes it the folder of a comparison, or of something else that has runs in it.

    Raises InUse where one does, and UserError where something else lies there.
    """
    if (directory / SPEC).exists():
        raise UserError(f"{directory} is a run, not a comparison: choose another --name")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the folder {directory} cannot be made: {error.strerror}") from None
    if not (directory / file).exists():
        check_empty(directory, (NOTE,))
    handle = locked(directory / NOTE)
    try:
        sweep(directory)
        yield
    finally:
        (directory / NOTE).unlink(missing_ok=True)
        os.close(handle)


def _parted(name: str) -> tuple[str, str]:
    """Return strategy and scheduler of a name such as "evolution+asha"."""
    strategy, _, scheduler = name.partition("+") if ".py:" not in name else (name, "", "")
    return strategy, scheduler


def folder_of(strategy: str, seed: int) -> str:
    """Return the name of a run's folder."""
    return f"{slug(strategy) if '/' in strategy else strategy}-seed{seed}"


def read(directory: Path) -> Contest:
    """Return the comparison in `directory`. Raises UserError where none is."""
    content: dict[str, Any] = read_json(directory / COMPARISON)
    try:
        strategies, seeds, words = (tuple(content[name]) for name in ("strategies", "seeds", "words"))
        return Contest(strategies, seeds, content["test_seeds"], words, content.get("asked", {}))
    except (KeyError, TypeError) as error:
        raise UserError(f"{directory / COMPARISON} is not what a comparison writes: {error!r}") from None

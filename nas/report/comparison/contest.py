"""Who competes, on which seeds, and under what? Written once, so that a comparison goes on after anything."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nas.core.errors import UserError
from nas.core.spec import BUDGETS, STRATEGIES
from nas.core.types import canonical, readable
from nas.runs.disk import sweep, write_atomically
from nas.runs.folder import COMPARISON, SPEC, check_empty, read_json
from nas.runs.lock import NOTE, locked


@dataclass(frozen=True)
class Contest:
    """`strategies` such as "evolution+asha", or "random" with the usual budget; `words` are the flags of all."""

    strategies: tuple[str, ...]
    seeds: tuple[int, ...]
    test_seeds: int
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raise UserError for a strategy that is not known, or that is there twice."""
        for name in self.strategies:
            strategy, _, budget = name.partition("+")
            if strategy not in STRATEGIES or ("+" in name and budget not in BUDGETS):
                raise UserError(
                    f"--strategies {name}: give one of {', '.join(STRATEGIES)}, "
                    f"or with a budget, as in evolution+full ({', '.join(BUDGETS)})"
                )
        full = [name if "+" in name else f"{name}+{BUDGETS[0]}" for name in self.strategies]
        for what, given in (("--strategies", full), ("--seeds", self.seeds)):
            if len({*given}) < len(given):
                raise UserError(f"{what} {' '.join(map(str, given))}: each may be there once")

    def entries(self) -> Iterator[tuple[str, int, list[str]]]:
        """Yield strategy, seed and the flags of its search: all strategies on one seed before the next seed."""
        for seed in self.seeds:
            for name in self.strategies:
                strategy, _, budget = name.partition("+")
                own = [f"--strategy={strategy}", f"--seed={seed}", f"--name={folder_of(name, seed)}"]
                yield name, seed, [*self.words, *own, *([f"--budget={budget}"] if budget else [])]

    def save(self, directory: Path) -> None:
        """Write it to its folder. Raises UserError where another comparison lies there."""
        file = directory / COMPARISON
        if file.exists():
            before, now = read_json(file), json.loads(canonical(asdict(self)))
            changed = [f"{key} {before.get(key)}, now {now[key]}" for key in now if before.get(key) != now[key]]
            if changed:
                raise UserError(f"{directory} is another comparison, with {'; '.join(changed)}: choose another --name")
            return
        write_atomically(file, readable(asdict(self)))


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Let no other process work on the comparison in `directory` in the block; the folder is made if need be.

    Raises InUse where one does, and UserError where something else lies there.
    """
    if (directory / SPEC).exists():
        raise UserError(f"{directory} is a run, not a comparison: choose another --name")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the folder {directory} cannot be made: {error.strerror}") from None
    if not (directory / COMPARISON).exists():
        check_empty(directory, (NOTE,))
    handle = locked(directory / NOTE)
    try:
        sweep(directory)
        yield
    finally:
        (directory / NOTE).unlink(missing_ok=True)
        os.close(handle)


def folder_of(strategy: str, seed: int) -> str:
    """Return the name of a run's folder."""
    return f"{strategy}-seed{seed}"


def read(directory: Path) -> Contest:
    """Return the comparison in `directory`. Raises UserError where none is."""
    content: dict[str, Any] = read_json(directory / COMPARISON)
    try:
        return Contest(
            tuple(content["strategies"]), tuple(content["seeds"]), content["test_seeds"], tuple(content["words"])
        )
    except (KeyError, TypeError) as error:
        raise UserError(f"{directory / COMPARISON} is not what a comparison writes: {error!r}") from None

"""From which old tasks to which new one? The protocols, each a fixed list of cases."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.transfer.database import Database, family

PROTOCOLS = ("official", "leave-one-out", "development leave-one-out", "development four")
_DRAWS = 2  # of four old tasks, for each new one and over all data seeds


@dataclass(frozen=True)
class Case:
    """Old tasks, a new one, and which seed of the data both are of; `draw` tells apart draws of old tasks."""

    old: tuple[str, ...]
    new: str
    seed: int
    draw: int = 0


def cases(database: Database, protocol: str) -> Iterator[Case]:
    """Yield the cases of a protocol, always the same in the same sequence.

    official: the five published pairs. leave-one-out: each task from those of all other families. The development
    protocols never see a new task of the official pairs: leave-one-out, and from four tasks drawn of other families.
    """
    seeds, official = range(len(database.accuracy)), {new for _, new in database.pairs}
    if protocol == "official":
        yield from (Case(old, new, seed) for old, new in database.pairs for seed in seeds)
        return
    known = [task for task in database.tasks if protocol == "leave-one-out" or task not in official]
    for place, new in enumerate(known):
        others = tuple(task for task in known if family(task) != family(new))
        for seed in seeds:
            if protocol != "development four":
                yield Case(others, new, seed)
                continue
            for draw in range(_DRAWS // len(seeds)):
                drawn = np.random.default_rng((place, seed, draw)).choice(len(others), 4, replace=False)
                yield Case(tuple(others[each] for each in sorted(drawn)), new, seed, draw)

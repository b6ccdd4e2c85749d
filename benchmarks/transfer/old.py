"""What may a method know before the first epoch? The old tasks' curves, or what is made of them to mislead it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.transfer.cases import Case
from benchmarks.transfer.database import Database, Floats, family

if TYPE_CHECKING:
    from nas.transfer.past import Past


@dataclass(frozen=True)
class Old:
    """`curves` of old tasks, [tasks, configurations, epochs], nan where not known, and the configurations' features."""

    tasks: tuple[str, ...]
    curves: Floats
    features: Floats

    @property
    def epochs(self) -> int:
        return int(self.curves.shape[2])

    def past(self, every_epoch: bool = False) -> Past:
        """Return it as the engine's models have it: the best so far at some epochs, or at every one."""
        from nas.transfer.past import Past, knots_of

        knots = tuple(range(1, self.epochs + 1)) if every_epoch else knots_of(self.epochs)
        best = np.maximum.accumulate(self.curves, axis=2)
        families = tuple(map(family, self.tasks))
        return Past(self.tasks, best[:, :, [knot - 1 for knot in knots]], self.features, knots, families=families)


def known(database: Database, case: Case) -> Old:
    """Return the old tasks of a case."""
    return Old(case.old, database.curves(case.seed, *case.old), database.features)


def reordered(old: Old, order: NDArray[np.int64]) -> Old:
    """Return the same with the configurations in another order."""
    return replace(old, curves=old.curves[:, order], features=old.features[order])


def without_history(old: Old, seed: int = 0) -> Old:
    return replace(old, tasks=(), curves=old.curves[:0])


def permuted(old: Old, seed: int = 0) -> Old:
    """Return a history that misleads: in each task the curves belong to other configurations than they say."""
    draws = np.random.default_rng(seed)
    return replace(old, curves=np.stack([each[draws.permutation(len(each))] for each in old.curves]))

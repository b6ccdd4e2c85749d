"""Of many possible children, which promises most? Drafts are rated, then what lies beside the best of them.

A local search on what a model says, as SMAC has it (Hutter et al. 2011): beside the leaders and the incumbents every
neighbour is looked at.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from nas.core.types import Config, Result
from nas.strategies.breeding.genome import Genome
from nas.strategies.modelling import Appeal, Rows

Origin = tuple[str, tuple[str, ...]]  # the operator, and the ids of the parents
Draft = tuple[Config, str, tuple[str, ...]]
Leader = tuple[float, Config, Rows, Origin]  # appeal, and what has it

BRED, LITTER = 0.5, 30  # share of the children that are the best of so many descendants
FRESH = 0.25  # share of the drafts that owe nothing to the population
TOURNAMENT = 3  # contestants per parent
LEADERS, INCUMBENTS = 4, 3  # that are looked beside
ROUNDS = 2  # of looking beside what was found
MUTANTS = 10  # of each, besides its neighbours
AT_ONCE = 8  # configurations are written out together, for ConfigSpace takes as long for one


@dataclass(frozen=True)
class Pool:
    """Possible children, and where each comes from."""

    rows: Rows
    origins: Sequence[Origin]

    def __add__(self, other: "Pool") -> "Pool":
        return Pool(np.concatenate([self.rows, other.rows]), [*self.origins, *other.origins])


def drafts(genome: Genome, parents: Sequence[Result], count: int, mutation_rate: float, rng: RandomState) -> Pool:
    """Return `count` drafts: a share FRESH are samples, the others descend from tournament winners among `parents`."""
    born = count - round(FRESH * count) if parents else 0
    rows = genome.fresh(count - born, rng)
    fresh = Pool(rows, [("sample", ())] * len(rows))
    if not born:
        return fresh
    rows, ids = genome.rows([each.job.trial.config for each in parents]), [each.job.trial.id for each in parents]
    ones, others = _winners(len(parents), born, rng), _winners(len(parents), born, rng)
    alone = (rng.rand(born) < mutation_rate) | (ones == others)
    mixed = np.where(alone[:, None], rows[ones], genome.recombined(rows[ones], rows[others], rng))
    origins = [
        ("mutate", (ids[one],)) if single else ("recombine", (ids[one], ids[other]))
        for one, other, single in zip(ones, others, alone, strict=True)
    ]
    return Pool(genome.mutated(mixed, rng), origins) + fresh


def promising(
    genome: Genome,
    pool: Pool,
    incumbents: Sequence[Result],
    appeal: Appeal,
    legal: Callable[[Config], bool],
    rng: RandomState,
) -> Draft | None:
    """Return a legal configuration that appeals, or None: of a few descendants the best, or the best to be found.

    The best to be found is sought in the whole `pool`, then beside its leaders and the `incumbents`. Models err, and
    most where they are asked for the best of all: so a share BRED of the children is but the best of a litter.
    """
    litter = _litter(pool, rng) if rng.rand() < BRED else None
    best = _leaders(genome, litter, appeal, legal, ()) if litter else []
    best = best or _found(genome, pool, incumbents, appeal, legal, rng)
    if not best:
        return None
    _, config, _, origin = best[0]
    return config, *origin


def _litter(pool: Pool, rng: RandomState) -> Pool | None:
    """Return a few of the descendants in `pool`, None where there are none."""
    born = [place for place, (operator, _) in enumerate(pool.origins) if operator != "sample"]
    if not born:
        return None
    some = rng.choice(born, min(LITTER, len(born)), replace=False)
    return Pool(pool.rows[some], [pool.origins[place] for place in some])


def _found(
    genome: Genome,
    pool: Pool,
    incumbents: Sequence[Result],
    appeal: Appeal,
    legal: Callable[[Config], bool],
    rng: RandomState,
) -> list[Leader]:
    """Return the most appealing legal ones of `pool`, and beside its leaders and the `incumbents`, the best first."""
    best = _leaders(genome, pool, appeal, legal, ())
    tops = [result.job.trial for result in incumbents[:INCUMBENTS]]
    starts = Pool(genome.rows([top.config for top in tops]), [("mutate", (top.id,)) for top in tops])
    starts += _pool_of(genome, best)
    for _ in range(ROUNDS):
        known = {config for _, config, _, _ in best}
        found = _leaders(genome, _beside(genome, starts, rng), appeal, legal, known)
        best = sorted([*best, *found], key=lambda leader: -leader[0])[:LEADERS]
        starts = _pool_of(genome, [leader for leader in best if leader[1] not in known])
    return best


def _pool_of(genome: Genome, leaders: Sequence[Leader]) -> Pool:
    rows = np.array([row for _, _, row, _ in leaders]).reshape(-1, len(genome.genes))
    return Pool(rows, [origin for *_, origin in leaders])


def _beside(genome: Genome, starts: Pool, rng: RandomState) -> Pool:
    """Return the neighbours of `starts`, and some of their mutants."""
    near, of = genome.neighbours(starts.rows, rng)
    copies = np.repeat(np.arange(len(starts.rows)), MUTANTS)
    rows = np.concatenate([near, genome.mutated(starts.rows[copies], rng)])
    return Pool(rows, [("mutate", starts.origins[start][1]) for start in (*of, *copies)])


def _leaders(
    genome: Genome, pool: Pool, appeal: Appeal, legal: Callable[[Config], bool], known: Collection[Config]
) -> list[Leader]:
    """Return the most appealing legal ones of `pool`, the best first, but for those `known`."""
    appeals, found, seen = appeal(pool.rows), list[Leader](), set(known)
    order = np.argsort(-appeals, kind="stable")
    for first in range(0, len(order), AT_ONCE):
        places = order[first : first + AT_ONCE]
        for place, config in zip(places, genome.configs(pool.rows[places]), strict=True):
            if config not in seen and legal(config):
                found.append((float(appeals[place]), config, pool.rows[place], pool.origins[place]))
                if len(found) == LEADERS:
                    return found
            seen.add(config)
    return found


def _winners(size: int, count: int, rng: RandomState) -> NDArray[np.intp]:
    """Return the places of `count` winners of tournaments, 0 being the best parent."""
    return np.asarray(rng.randint(size, size=(count, TOURNAMENT)).min(axis=1))

"""Of many possible children, which is the most promising legal one? Drafts are ranked, and what lies beside the best.

A local search on what a model says, as SMAC has it (Hutter et al. 2011): near the leaders and the incumbents every
neighbour is looked at.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from nas.core.types import Config, Result
from nas.strategies.breeding.genome import Genome, Rows

Appeal = Callable[[Rows], NDArray[np.float64]]
Origin = tuple[str, tuple[str, ...]]  # the operator, and the ids of the parents
Draft = tuple[Config, str, tuple[str, ...]]

FRESH = 0.25  # share of the drafts that owe nothing to the population
TOURNAMENT = 3
LEADERS, INCUMBENTS, ROUNDS = 4, 3, 2
CHUNK = 8
MUTANTS = 10  # of each leader, besides its neighbours


@dataclass(frozen=True)
class Pool:
    """Possible children and where each comes from."""

    rows: Rows
    origins: Sequence[Origin]

    def __add__(self, other: "Pool") -> "Pool":
        return Pool(np.concatenate([self.rows, other.rows]), [*self.origins, *other.origins])


def drafts(genome: Genome, parents: Sequence[Result], count: int, mutation_rate: float, rng: RandomState) -> Pool:
    """Return `count` drafts: a share FRESH are samples, the others descend from tournament winners among `parents`."""
    born = count - round(FRESH * count) if parents else 0
    pool = Pool(genome.sampled(count - born, rng), [("sample", ())] * (count - born))
    if not born:
        return pool
    rows, ids = genome.rows([p.job.trial.config for p in parents]), [p.job.trial.id for p in parents]
    ones, others = _winners(len(parents), born, rng), _winners(len(parents), born, rng)
    alone = (rng.rand(born) < mutation_rate) | (ones == others)
    mixed = np.where(alone[:, None], rows[ones], genome.recombined(rows[ones], rows[others], rng))
    origins = [
        ("mutate", (ids[one],)) if single else ("recombine", (ids[one], ids[other]))
        for one, other, single in zip(ones, others, alone, strict=True)
    ]
    return Pool(genome.mutated(mixed, rng), origins) + pool


def _winners(size: int, count: int, rng: RandomState) -> NDArray[np.int64]:
    return rng.randint(size, size=(count, TOURNAMENT)).min(axis=1)


def promising(
    genome: Genome, pool: Pool, incumbents: Sequence[Result], appeal: Appeal, legal: Callable[[Config], bool], rng: RandomState
) -> Draft | None:
    """Return the most appealing legal configuration of `pool` and beside its leaders and the `incumbents`."""
    best = _leaders(genome, pool, appeal, legal, ())
    tops = incumbents[:INCUMBENTS]
    starts = Pool(genome.rows([t.job.trial.config for t in tops]), [("mutate", (t.job.trial.id,)) for t in tops])
    starts = starts + Pool(np.array([row for _, _, row, _ in best]).reshape(-1, len(genome.genes)), [o for *_, o in best])
    for _ in range(ROUNDS):
        if not len(starts.rows):
            break
        known = {config for _, config, _, _ in best}
        best = sorted([*best, *_leaders(genome, _beside(genome, starts, rng), appeal, legal, known)], key=lambda b: -b[0])[:LEADERS]
        new = [b for b in best if b[1] not in known]
        starts = Pool(np.array([row for _, _, row, _ in new]).reshape(-1, len(genome.genes)), [o for *_, o in new])
    if not best:
        return None
    _, config, _, (operator, parents) = best[0]
    return config, operator, parents


def _beside(genome: Genome, starts: Pool, rng: RandomState) -> Pool:
    """Return the neighbours of `starts`, and some of their mutants."""
    near, of = genome.neighbours(starts.rows, rng)
    copies = np.repeat(np.arange(len(starts.rows)), MUTANTS)
    rows = np.concatenate([near, genome.mutated(starts.rows[copies], rng)])
    return Pool(rows, [("mutate", starts.origins[i][1]) for i in (*of, *copies)])


Leader = tuple[float, Config, Rows, Origin]


def _leaders(genome: Genome, pool: Pool, appeal: Appeal, legal: Callable[[Config], bool], known) -> list[Leader]:
    appeals = appeal(pool.rows)
    order = np.argsort(-appeals, kind="stable")
    found, seen = list[Leader](), set(known)
    for start in range(0, len(order), CHUNK):
        places = order[start : start + CHUNK]
        for i, config in zip(places, genome.configs(pool.rows[places]), strict=True):
            if config not in seen and legal(config):
                found.append((float(appeals[i]), config, pool.rows[i], pool.origins[i]))
                if len(found) == LEADERS:
                    return found
            seen.add(config)
    return found

"""Which children are worth training? Those that meet the cheap constraints and were never tried: others are redrawn."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from typing import TYPE_CHECKING

from numpy.random import RandomState

from nas.core.configuration import default_config
from nas.core.constraints import Constraint
from nas.core.errors import Unbuildable, Unmeasurable, UserError
from nas.core.seeds import generator
from nas.core.types import Config, Result, Trial
from nas.strategies.breeding import variation
from nas.strategies.breeding.drafts import TOURNAMENT, Draft, Pool, drafts, promising
from nas.strategies.breeding.genome import Genome
from nas.strategies.breeding.variation import Draws
from nas.strategies.modelling import Learned

if TYPE_CHECKING:
    from nas.strategies.lab import Lab

DRAWS = 1000  # draws per child before it is given up
MOSTLY = 0.9  # of the draws forbidden by the space: then legal ones are sought beside legal ones
_FORBIDDEN = "forbidden by the space"
_UNBUILDABLE = "a network that cannot be built"
DRAFTS = 300  # at least, that the children of a bracket are chosen among
DRAFTS_PER_CHILD = 30
TURNS = 2  # every so many children, one is a founder
FRESH = 4  # every so many children that no model chooses, one owes nothing to the population


@dataclass(frozen=True)
class Stock:
    """What children descend from: the `parents`, best first; nothing of it for samples.

    A share `mutation_rate` of them is mutated only, the others are recombined first. Where something was `learned` of
    the space that `genome` writes, each is the most promising of many, beside those in the `making`. `founders`, of
    earlier tasks, take turns with them, each once.
    """

    parents: Sequence[Result] = ()
    mutation_rate: float = 0.5
    genome: Genome | None = None
    learned: Learned | None = None
    making: Sequence[Config] = ()
    founders: Sequence[Config] = ()


async def breed(lab: "Lab", stock: Stock, count: int, place: str, first: int = 0) -> list[Trial]:
    """Return up to `count` new trials named `place`.`first` and so on, fewer when no untried legal one turns up.

    Most descend from tournament winners among the parents, by mutation or by recombination and mutation; without
    parents they are samples.
    Raises UserError when in the first generation DRAWS samples for a child break the cheap constraints.
    """
    children, reasons = list[Trial](), Counter[str]()
    called = f"{place}.{first}" if first else place
    pool = cache(partial(_pool, lab, stock, count, called))  # a replay of the journal needs none
    for number in range(first, first + count):
        child_id = f"{place}.{number}"
        child = lab.recorded(child_id) or _founder(lab, stock, number, child_id)
        child = child or _promising(lab, stock, pool, [each.config for each in children], child_id, reasons)
        child = child or _child(lab, stock, child_id, reasons)
        if not child and reasons[_FORBIDDEN] >= MOSTLY * reasons.total():
            break  # of the few that are legal none is left: others would be sought in vain, and long
        children += [child] if child else []
        await asyncio.sleep(0)  # drawing may take long: a time limit or Ctrl-C comes through here
    lab.redrawn(called, reasons)
    return children


def _founder(lab: "Lab", stock: Stock, number: int, trial_id: str) -> Trial | None:
    """Return the next of the founders for every other child, as long as there are some."""
    left = (config for config in stock.founders if not lab.taken(config))
    config = None if number % TURNS else next(left, None)
    return lab.trial(trial_id, config, "recall") if config else None


def _pool(lab: "Lab", stock: Stock, count: int, place: str) -> Pool:
    """Return what `count` children are chosen among, and beside."""
    rng = generator(lab.spec.seed, "draft", place)
    return drafts(_genome(stock), stock.parents, max(DRAFTS, DRAFTS_PER_CHILD * count), stock.mutation_rate, rng)


def _promising(
    lab: "Lab",
    stock: Stock,
    pool: Callable[[], Pool],
    siblings: Sequence[Config],
    trial_id: str,
    redrawn: Counter[str],
) -> Trial | None:
    """Return what promises most by what was learned, beside its `siblings`; None where that says nothing."""
    rng = generator(lab.spec.seed, "promise", trial_id)
    if not stock.learned:
        return None
    genome = _genome(stock)
    appeal = stock.learned.appeal(rng, genome.rows([*stock.making, *siblings]))

    def legal(config: Config) -> bool:
        reason = _objection(lab, config)
        redrawn.update([reason] if reason else [])
        return not reason

    found = promising(genome, pool(), stock.parents, appeal, legal, rng) if appeal else None
    return lab.trial(trial_id, *found) if found else None


def _genome(stock: Stock) -> Genome:
    assert stock.genome, "what was learned is of a genome"
    return stock.genome


def _child(lab: "Lab", stock: Stock, trial_id: str, redrawn: Counter[str]) -> Trial | None:
    """Return the first candidate that nothing speaks against, or None; why others were not taken goes to `redrawn`."""
    draws, reasons, beside = (
        Draws(lab.space, generator(lab.spec.seed, "breed", trial_id)),
        Counter[str](),
        Counter[str](),
    )
    found = _first(lab, islice(_candidates(stock, draws), DRAWS), reasons)
    redrawn.update(reasons)
    if not found and reasons[_FORBIDDEN] >= MOSTLY * DRAWS:
        found = _first(lab, islice(_grown(lab, draws), DRAWS), beside)
    if found:
        return lab.trial(trial_id, *found)
    if set(reasons) == {_UNBUILDABLE}:
        _raise_unbuildable(lab, variation.sample(draws))
    if trial_id.startswith("g0.") and not reasons["repeat"] and not beside["repeat"]:
        _tell(lab, reasons, beside)
    return None


def _first(lab: "Lab", candidates: Iterable[Draft], reasons: Counter[str]) -> Draft | None:
    """Return the first of `candidates` that nothing speaks against; why others were not taken goes to `reasons`."""
    for candidate in candidates:
        reason = _objection(lab, candidate[0])
        if not reason:
            return candidate
        reasons[reason] += 1
    return None


def _raise_unbuildable(lab: "Lab", config: Config) -> None:
    """Raise why `config` cannot be built or measured: what the caller's own function raised says more than we can."""
    try:
        lab.cheap.all(config)
    except Unmeasurable as error:
        raise error.__cause__ or error from None


def _grown(lab: "Lab", draws: Draws) -> Iterator[Draft]:
    """Yield candidates grown from legal ones without end: the default first, then neighbours, neighbours of these."""
    legal = [default_config(lab.space)]
    yield legal[0], "sample", ()
    while True:
        parent, vary = legal[draws.rng.randint(len(legal))], (variation.mutate, variation.nudge)[draws.rng.randint(2)]
        config = vary(draws, parent)
        if config not in legal and not variation.forbidden(lab.space, config):
            legal.append(config)
        yield config, "sample", ()


def _tell(lab: "Lab", reasons: Counter[str], beside: Counter[str]) -> None:
    """Raise what tells why none of the first candidates, nor of those `beside` the default, can be trained."""
    broken = [c for c in lab.cheap.constraints if str(c) in reasons or str(c) in beside]
    allowed = f"the space allows {DRAWS - reasons[_FORBIDDEN]} of {DRAWS} samples"
    if broken:
        raise UserError(f"{allowed}; {_certificate(lab, broken)}" if reasons[_FORBIDDEN] else _certificate(lab, broken))
    if reasons[_FORBIDDEN]:
        raise UserError(f"{allowed}, and none can be trained, nor any found beside its default")


def _candidates(stock: Stock, draws: Draws) -> Iterator[Draft]:
    """Yield possible children without end: of the parents, and one in FRESH a sample."""
    while True:
        yield _vary(stock if draws.rng.randint(FRESH) else Stock(), draws)


def _vary(stock: Stock, draws: Draws) -> Draft:
    """Return a configuration, the operator that made it, and the ids of its parents."""
    rng, parents = draws.rng, stock.parents
    if not parents:
        return variation.sample(draws), "sample", ()
    first = _tournament(len(parents), rng)
    one = parents[first].job.trial
    if len(parents) == 1 or rng.rand() < stock.mutation_rate:
        return variation.mutate(draws, one.config), "mutate", (one.id,)
    second = _tournament(len(parents) - 1, rng)
    other = parents[second + (second >= first)].job.trial
    child = variation.recombine(draws, one.config, other.config)
    return variation.mutate(draws, child), "recombine", (one.id, other.id)


def _tournament(size: int, rng: RandomState) -> int:
    """Return the best place of a few drawn at random (DEAP's own tournament draws from Python's global state)."""
    return int(min(rng.choice(size, min(TOURNAMENT, size), replace=False)))


def _objection(lab: "Lab", config: Config) -> str:
    """Return why `config` shall not be trained, or nothing."""
    if lab.taken(config):
        return "repeat"
    if variation.forbidden(lab.space, config):
        return _FORBIDDEN
    try:
        broken = lab.cheap.broken(config)
        if not broken:
            lab.cheap.all(config)
    except Unbuildable:
        return _UNBUILDABLE
    return str(broken or "")


def _certificate(lab: "Lab", broken: Sequence[Constraint]) -> str:
    """Say what was tried in vain, and how near it came."""
    asked = " and ".join(str(constraint) for constraint in broken)
    seen = "; ".join(
        f"the {'smallest' if constraint.relation == '<=' else 'largest'} seen has {lab.cheap.nearest(constraint):.10g}"
        for constraint in broken
    )
    return f"0 of {DRAWS} samples meet {asked}; {seen}"

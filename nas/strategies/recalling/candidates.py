"""Which configurations may be trained? Those that were on earlier tasks, and new ones of the space."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Protocol

from numpy.random import RandomState

from nas.core.errors import UserError
from nas.core.spec import RunSpec
from nas.core.types import Config
from nas.strategies.lab import Cheap

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

    from nas.history.experience import Experience

RECALL, SAMPLE, MUTATE, INITIAL = "recall", "sample", "mutate", "initial"  # where a candidate comes from
MOST, OTHERS = 200, 50  # candidates from earlier tasks; so many of them are not chosen for what they reached
DRAWS = 100  # for each new one, before the space is believed to have no more


class Known(Protocol):
    """What is asked, and what is known before anything is trained: a Lab knows it."""

    @property
    def spec(self) -> RunSpec: ...
    @property
    def space(self) -> "ConfigurationSpace": ...
    @property
    def cheap(self) -> Cheap: ...
    @property
    def experience(self) -> "Experience": ...


def lacks(known: Known) -> str:
    """Return what is missing to learn from earlier tasks, or nothing."""
    experience, objective = known.experience, known.spec.objective
    if not experience.given:
        return "no history was given"
    if not experience.curves:
        return "the history has nothing of this space"
    if not any(objective in point for curve in experience.curves for point in curve.points.values()):
        return f"the history has no {objective} of this space"
    return ""


def pool(known: Known) -> list[Config]:
    """Return configurations that were trained on earlier tasks, each once, those that the space has.

    Of more than MOST those that came first on some task, task by task in turn, and some of the rest: a model learns
    from the bad ones, too.
    """
    from nas.core.configuration import checked_config  # here, for --help to stay quick

    found = dict[Config, None]()
    for config in dict.fromkeys(curve.config for curve in known.experience.curves):
        try:
            found[checked_config(known.space, config.values, "the history")] = None
        except UserError:  # of a file that somebody else has written
            continue
    if len(found) <= MOST:
        return [*found]
    turns = zip_longest(*_by_task(known, found))
    best = list(dict.fromkeys(config for turn in turns for config in turn if config is not None))[: MOST - OTHERS]
    rest = [config for config in found if config not in set(best)]
    return [*best, *(rest[place * len(rest) // OTHERS] for place in range(min(OTHERS, len(rest))))]


def _by_task(known: Known, allowed: Collection[Config]) -> list[list[Config]]:
    """Return the configurations of each earlier task that know the objective, the best first."""
    objective, sign = known.spec.objective, 1 if known.spec.maximize else -1
    values = defaultdict[str, dict[Config, float]](dict)
    for curve in known.experience.curves:
        seen = [sign * point[objective] for point in curve.points.values() if objective in point]
        if seen and curve.config in allowed:
            values[curve.task][curve.config] = max(seen)
    return [sorted(task, key=lambda config: -task[config]) for task in values.values()]


def fresh(
    known: Known, parents: Sequence[Config], count: int, rng: RandomState, known_ones: Collection[Config]
) -> list[Config]:
    """Return up to `count` configurations beside the `known_ones`: mutations of `parents`, or samples without them."""
    found, others = dict[Config, None](), set(known_ones)
    for drawn, config in enumerate(_drawn(known, parents, rng)):
        if len(found) >= count or drawn >= DRAWS * count:
            break
        if config not in others:
            found[config] = None
            others.add(config)
    return [*found]


def _drawn(known: Known, parents: Sequence[Config], rng: RandomState) -> Iterator[Config]:
    from nas.strategies.breeding import variation  # here, for --help to stay quick

    draws = variation.Draws(known.space, rng)
    while True:
        vary = (variation.mutate, variation.nudge)[rng.randint(2)]
        config = vary(draws, parents[rng.randint(len(parents))]) if parents else variation.sample(draws)
        if not variation.forbidden(known.space, config):
            yield config

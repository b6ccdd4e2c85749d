"""How do configurations come to be? Sampling, mutation and recombination on a conditional ConfigSpace space.

All three end in `complete`: hyperparameters that became active are sampled, those that became inactive vanish.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ConfigSpace import CategoricalHyperparameter, Configuration, ConfigurationSpace, OrdinalHyperparameter
from ConfigSpace.exceptions import ForbiddenValueError
from ConfigSpace.hyperparameters import Hyperparameter

from nas.core.types import Config
from nas.core.values import to_values, to_vector

EXTRA_GENES = 1.5  # a mutation changes 1 + Poisson(EXTRA_GENES) hyperparameters
LOCAL_SHARE = 0.7  # of the changes of ordered values are steps, the rest are resampled
MOST_AHEAD = 64  # values of a hyperparameter drawn at a time
SCALES = 6  # powers of ten among the steps of a nudge
LOCAL_STEP = 0.15  # standard deviation of a step, as a share of the (possibly logarithmic) range


class Gene:
    """A hyperparameter and what of its place in the space breeding needs, looked up once."""

    def __init__(self, name: str, hyperparameter: Hyperparameter[Any, Any], space: ConfigurationSpace) -> None:
        self.name, self.hyperparameter, self.index = name, hyperparameter, space.index_of[name]
        self.conditions, self.decides = space.parent_conditions_of[name], bool(space.children_of[name])
        self.varies = hyperparameter.size > 1


class Draws:
    """Where random values of a space come from: `rng` alone.

    ConfigSpace takes as long for one value as for some dozens, so they are drawn ahead, ever more at a time.
    """

    def __init__(self, space: ConfigurationSpace, rng: np.random.RandomState) -> None:
        self.space, self.rng = space, rng
        self.genes = [Gene(name, each, space) for name, each in space.items()]  # parents come before their children
        self._ahead, self._size = dict[str, list[Any]](), dict[str, int]()

    def value(self, name: str) -> Any:
        """Return a value of the hyperparameter `name`, drawn from its prior."""
        ahead = self._ahead.setdefault(name, [])
        if not ahead:
            size = self._size[name] = min(2 * self._size.get(name, 1), MOST_AHEAD)
            ahead.extend(to_values(self.space[name], self.space[name].sample_vector(size, seed=self.rng)))
        return ahead.pop()


def sample(draws: Draws) -> Config:
    """Return a configuration drawn from the priors of the space."""
    return complete(draws, {})


def mutate(draws: Draws, parent: Config) -> Config:
    """Return `parent` with one or a few active hyperparameters changed, by a local step or by resampling."""
    values, rng = parent.values, draws.rng
    genes = [gene for gene in draws.genes if gene.varies and gene.name in values]
    count = min(1 + int(rng.poisson(EXTRA_GENES)), len(genes))
    for i in rng.choice(len(genes), count, replace=False) if genes else ():
        gene = genes[i]
        values[gene.name] = _changed(draws, gene.hyperparameter, values[gene.name])
    return complete(draws, values)


def nudge(draws: Draws, parent: Config) -> Config:
    """Return `parent` with one active hyperparameter changed, an ordered one by a step of any size."""
    values, rng = parent.values, draws.rng
    genes = [gene for gene in draws.genes if gene.varies and gene.name in values]
    if genes:
        gene = genes[rng.randint(len(genes))]
        ordered = not isinstance(gene.hyperparameter, CategoricalHyperparameter)
        value, share = values[gene.name], 10 ** rng.uniform(-SCALES, 0)
        values[gene.name] = _moved(gene.hyperparameter, value, rng, share) if ordered else draws.value(gene.name)
    return complete(draws, values)


def recombine(draws: Draws, one: Config, other: Config) -> Config:
    """Return a uniform crossover: each hyperparameter from either parent, depth included.

    A layer that only one parent has is there to be inherited when the child's depth asks for it.
    """
    a, b, rng = one.values, other.values, draws.rng
    values = {name: (a if name not in b or (name in a and rng.rand() < 0.5) else b)[name] for name in sorted(a | b)}
    return complete(draws, values)


def complete(draws: Draws, values: Mapping[str, Any]) -> Config:
    """Return the configuration that `values` imply: inactive ones dropped, missing active ones sampled."""
    chosen = dict[str, Any]()
    vector = np.full(len(draws.genes), np.nan)  # conditions are judged as ConfigSpace does: NaN is inactive
    for gene in draws.genes:
        if not gene.conditions or all(condition.satisfied_by_vector(vector) for condition in gene.conditions):
            value = chosen[gene.name] = values[gene.name] if gene.name in values else draws.value(gene.name)
            if gene.decides:
                vector[gene.index] = to_vector(gene.hyperparameter, [value])[0]
    return Config.of(chosen)


def forbidden(space: ConfigurationSpace, config: Config) -> bool:
    """Return whether a forbidden clause of `space` excludes `config`."""
    try:
        if space.forbidden_clauses:
            Configuration(space, values=config.values)
    except ForbiddenValueError:
        return True
    return False


def _changed(draws: Draws, hyperparameter: Hyperparameter[Any, Any], value: Any) -> Any:
    """Return another value: unordered ones are resampled, ordered ones mostly move a step."""
    step = not isinstance(hyperparameter, CategoricalHyperparameter) and draws.rng.rand() < LOCAL_SHARE
    for _ in range(100):
        changed = _moved(hyperparameter, value, draws.rng) if step else draws.value(hyperparameter.name)
        if changed != value:
            return changed
    return value  # a prior so narrow that no other value came up


def _moved(
    hyperparameter: Hyperparameter[Any, Any], value: Any, rng: np.random.RandomState, share: float = LOCAL_STEP
) -> Any:
    low, high = hyperparameter.lower_vectorized, hyperparameter.upper_vectorized
    step = max(share, 1 / (hyperparameter.size - 1)) * (high - low)  # at least from one value to the next
    place = to_vector(hyperparameter, [value])[0] + rng.normal(0, step)
    if isinstance(hyperparameter, OrdinalHyperparameter):
        place = np.round(place)
    return to_values(hyperparameter, np.array([min(max(place, low), high)]))[0]

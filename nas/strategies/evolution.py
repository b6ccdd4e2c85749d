"""(mu + lambda) evolution whose offspring go through the brackets of the budget."""

from nas.core import ranking
from nas.core.brackets import generations
from nas.core.seeds import seed
from nas.core.types import Result
from nas.engine.lab import Lab
from nas.strategies.generation import next_generation
from nas.strategies.model import learn


async def evolution(lab: Lab) -> None:
    """Breed, halve, select, until the limits allow no further trial.

    The first generation is sampled and goes through the same brackets; only fully trained offspring enter the
    population, but a model of all results, partly trained ones too, chooses among possible children. The scheme of
    Awad et al. 2021 (DEHB) with the operators of a (mu + lambda) strategy.
    """
    population, model = list[Result](), None
    for number, planned in enumerate(generations(lab.spec.brackets, lab.spec.offspring)):
        if lab.spec.model == "forest":
            key = seed(lab.spec.seed, "model", number)
            model = learn(lab.space, lab.results.values(), lab.spec.max_epochs, key, model)
        finished = await next_generation(lab, population, number, planned, model)
        if finished is None:
            return
        population = ranking.survivors(population + finished, lab.spec.population)

"""The baseline: random search under the same cheap constraints and budgets (Li et al. 2018)."""

from nas.core.brackets import generations
from nas.engine.lab import Lab
from nas.strategies.generation import next_generation


async def random(lab: Lab) -> None:
    """Sample and halve until the limits allow no further trial."""
    for number, planned in enumerate(generations(lab.spec.brackets, lab.spec.offspring)):
        if await next_generation(lab, [], number, planned) is None:
            return

"""One generation: the brackets the limits still allow, bred in logical order, halved side by side."""

from collections.abc import Sequence

from nas.budgets import Bracket
from nas.engine import Lab
from nas.strategies.breeding import breed
from nas.strategies.halving import halve_all
from nas.strategies.model import Model
from nas.types import Result


async def next_generation(
    lab: Lab, population: Sequence[Result], number: int, planned: Sequence[Bracket], model: Model | None = None
) -> list[Result] | None:
    """Return the fully trained offspring of `population`, bracket by bracket; None when nothing was left to do."""
    brackets = lab.affordable(planned)
    trials = [await breed(lab, population, b[0].trials, f"g{number}.b{i}", model) for i, b in enumerate(brackets)]
    if not any(trials):
        return None
    return await halve_all(lab, trials, brackets)

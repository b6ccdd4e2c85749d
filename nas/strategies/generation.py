"""One generation: the brackets the limits still allow, bred in logical order, halved side by side."""

from collections.abc import Sequence

from nas.core.brackets import Bracket, Rung
from nas.core.types import Result
from nas.engine.lab import Lab
from nas.strategies.breeding import breed
from nas.strategies.halving import halve_all
from nas.strategies.initial import initial_trials
from nas.strategies.model import Model


async def next_generation(
    lab: Lab, population: Sequence[Result], number: int, planned: Sequence[Bracket], model: Model | None = None
) -> list[Result] | None:
    """Return the fully trained offspring of `population`, bracket by bracket; None when nothing was left to do.

    There is a bracket more, in which nobody is left behind, where initial configurations are still to be trained: in
    the first generation, and again where earlier limits had no room for all of them.
    """
    given = initial_trials(lab, f"g{number}.b0.{{}}".format)
    founding = [(Rung(lab.spec.max_epochs, len(given)),)] if given else []
    brackets = lab.affordable([*founding, *planned])
    trials = [
        given[: bracket[0].trials]
        if given and place == 0
        else await breed(lab, population, bracket[0].trials, f"g{number}.b{place}", model)
        for place, bracket in enumerate(brackets)
    ]
    if not any(trials):
        return None
    return await halve_all(lab, trials, brackets)

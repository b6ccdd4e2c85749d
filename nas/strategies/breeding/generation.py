"""One generation: the brackets the limits still allow, bred in logical order, halved side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nas.core.brackets import Bracket, Rung
from nas.core.types import Result
from nas.strategies.breeder import Breeder
from nas.strategies.breeding.halve import halve_all
from nas.strategies.breeding.initial import initial_trials

if TYPE_CHECKING:
    from nas.strategies.lab import Lab


async def next_generation(lab: "Lab", breeder: Breeder, number: int, planned: Sequence[Bracket]) -> list[Result] | None:
    """Return the fully trained children of `breeder`, bracket by bracket; None when nothing was left to do.

    There is a bracket more, in which nobody is left behind, where initial configurations are still to be trained: in
    the first generation, and again where earlier limits had no room for all of them.
    """
    given = initial_trials(lab, f"g{number}.b0.{{}}".format)
    founding = [(Rung(lab.spec.max_epochs, len(given)),)] if given else []
    brackets = lab.affordable([*founding, *planned])
    trials = [
        given[: bracket[0].trials]
        if given and place == 0
        else await breeder.breed(bracket[0].trials, f"g{number}.b{place}")
        for place, bracket in enumerate(brackets)
    ]
    if not any(trials):
        return None
    return await halve_all(lab, trials, brackets)

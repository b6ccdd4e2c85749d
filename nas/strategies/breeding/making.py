"""Which brackets are in the making? The next is bred as soon as there is a lane for it, from all that ended before."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from nas.core.brackets import Bracket, Rung, epochs, trim
from nas.core.ranking import Outcome, outcome
from nas.core.types import Config, Key, Result, Trial, in_logical_order
from nas.strategies.breeder import Breeder
from nas.strategies.breeding.halve import halve
from nas.strategies.breeding.initial import initial_trials
from nas.strategies.virtual import Lane, Lanes, pace

if TYPE_CHECKING:
    from nas.strategies.lab import Lab


async def make(lab: "Lab", breeder: Breeder, generations: Iterable[Sequence[Bracket]]) -> None:
    """Breed and halve the brackets of `generations`, one after the other, until there is nothing left to do.

    So many are in the making at a time, in virtual time, that `offspring` children get fully trained: at least one.
    """
    making = Making(lab, breeder)
    try:
        for number, planned in enumerate(generations):
            if not await making.generation(number, planned):
                break
        while making.lanes:
            await making.ended()
    finally:
        await making.lanes.close()


@dataclass(frozen=True)
class Made:
    """What came of a bracket."""

    bracket: Bracket
    results: Sequence[Result]  # of all rungs, in logical order
    finished: Sequence[Result]  # those fully trained, ranked


class Making:
    """The brackets in the making, and what came of those that ended before, in virtual time."""

    def __init__(self, lab: "Lab", breeder: Breeder) -> None:
        self.lanes = Lanes[Made]()
        self._lab, self._breeder = lab, breeder
        self._number, self._planned = count(), list[Bracket]()  # of those in the making
        self._begun = set[Config]()
        self._results, self._keys, self._outcomes = list[Result](), set[Key](), set[Outcome]()  # of those that ended
        self._trials, self._epochs = 0, 0  # that they took

    async def generation(self, number: int, planned: Sequence[Bracket]) -> bool:
        """Begin the brackets of a generation until the limits have no room for one; return whether any was begun.

        There is a bracket more, in which nobody is left behind, where initial configurations are still to be trained:
        in the first generation, and again where earlier limits had no room for all of them.
        """
        given = initial_trials(self._lab, f"g{number}.b0.{{}}".format, self._begun)
        founding = [(Rung(self._lab.spec.max_epochs, len(given)),)] if given else []
        begun, after = False, 0
        for place, bracket in enumerate([*founding, *planned]):
            if place > len(founding) and planned[0][0].trials == 1:
                after += 1  # single children share a place
            fitting = await self._fitting(bracket, patient=not begun)
            if not fitting:
                break
            most, name = fitting[0].trials, f"g{number}.b{place - after}"
            trials = given[:most] if place < len(founding) else await self._bred(most, name, after)
            if trials:
                self._begin(trials, fitting)
                begun = True
        return begun

    async def ended(self) -> None:
        """Wait for the bracket that is the first to end, and learn from it."""
        made = await self.lanes.first()
        self._planned.remove(made.bracket)
        self._trials += made.bracket[0].trials
        self._epochs += sum(result.job.stop - result.job.start for result in made.results)
        self._results += made.results
        self._keys.update(result.job.key for result in made.results)
        self._outcomes.update(map(outcome, made.results))
        self._breeder.select(made.finished)

    async def _fitting(self, bracket: Bracket, patient: bool) -> Bracket | None:
        """Return `bracket`, cut to what the limits leave, once there is a lane for it; None where they leave nothing.

        What is in the making counts as planned. The `patient` wait for it to end: it may have failed early.
        """
        while sum(planned[-1].trials for planned in self._planned) >= self._breeder.offspring:
            await self.ended()
        while True:
            trials, total = self._lab.allowed(self._keys)
            left = trials - self._trials - sum(planned[0].trials for planned in self._planned)
            fitting = trim(bracket, self._lab.spec.eta, left, total - self._epochs - sum(map(epochs, self._planned)))
            if fitting or not patient or not self.lanes:
                return fitting
            await self.ended()

    async def _bred(self, most: int, place: str, first: int) -> list[Trial]:
        self._breeder.learn(next(self._number), self._results)
        return await self._breeder.breed(most, place, first)

    def _begin(self, trials: Sequence[Trial], bracket: Bracket) -> None:
        bracket = tuple(Rung(rung.epochs, min(rung.trials, len(trials))) for rung in bracket)
        self._planned.append(bracket)
        self._begun.update(trial.config for trial in trials)
        before = frozenset(self._outcomes) if len(bracket) > 1 else frozenset()
        self.lanes.begin(partial(_made, self._lab, trials, bracket, before))


async def _made(lab: "Lab", trials: Sequence[Trial], bracket: Bracket, before: Collection[Outcome], lane: Lane) -> Made:
    timed = _Timed(lab, lane)
    finished = await halve(timed, trials, bracket, before)
    return Made(bracket, in_logical_order(timed.results), finished)


class _Timed:
    """The lab, whose trainings take virtual time in a lane, and what came of them."""

    def __init__(self, lab: "Lab", lane: Lane) -> None:
        self.results, self.drop = list[Result](), lab.drop
        self._lab, self._lane = lab, lane
        self._reached = dict[str, int]()

    async def train(self, trial: Trial, epochs: int) -> Result:
        self._lane.takes((epochs - self._reached.get(trial.id, 0)) * pace(trial))
        self._reached[trial.id] = epochs
        result = await self._lab.train(trial, epochs)
        self.results.append(result)
        return result

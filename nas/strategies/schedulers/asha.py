"""ASHA, deterministic: decisions fall in virtual time, real workers only compute.

Li et al. 2020 promote a trial as soon as it is among the best of its rung, so what is decided hangs on what has ended.
Here `lanes` trials train at a time in a time of their own, in which a job takes its epochs x MACs. The next job to end
is the next in virtual time, awaited however long it really takes; so any number of workers gives the same history.
"""

import heapq
from bisect import bisect_left, insort
from dataclasses import dataclass
from functools import partial
from itertools import count, pairwise
from typing import TYPE_CHECKING, ClassVar

from nas.core import ranking
from nas.core.brackets import Bracket, Rung
from nas.core.parameters import parameter
from nas.core.parts import part
from nas.core.types import Job, Key, Result, Status, Trial
from nas.strategies.breeder import Breeder
from nas.strategies.breeding.initial import initial_trials
from nas.strategies.scheduling import Rungs
from nas.strategies.virtual import Lane, Lanes, pace

if TYPE_CHECKING:
    from nas.strategies.lab import Lab


@part("scheduler", "asha")
@dataclass(frozen=True)
class Asha(Rungs):
    """A trial goes on as soon as it is among the best of its rung; each newcomer is bred from what is known by then."""

    at_a_time: ClassVar[str] = "lanes"

    lanes: int = parameter(4, "trials at a time, in virtual time", least=1)

    @property
    def rungs(self) -> tuple[int, ...]:
        """The epochs at which trials are compared, those of the most aggressive bracket."""
        return tuple(rung.epochs for rung in self.rounds()[0])

    @property
    def smallest(self) -> Bracket:
        """The least that is asked for at once."""
        return (Rung(self.rungs[0], 1),)

    async def run(self, lab: "Lab", breeder: Breeder) -> None:
        """Keep every lane at work until the limits allow no further job; at the end one is fully trained, if possible.

        An evolution is steady-state: each new trial is bred from the best of those fully trained by then.
        """
        ladder, nursery = Ladder(self.rungs, self.eta), Nursery(lab, breeder)
        await _climb(lab, self.lanes, ladder, nursery)


async def _climb(lab: "Lab", most: int, ladder: "Ladder", nursery: "Nursery") -> None:
    lanes, spent = Lanes[Result](), 0
    seen = set[Key]()  # results, in virtual order
    try:
        while True:
            while len(lanes) < most:
                trials, epochs = lab.allowed(seen)
                left = epochs - spent
                job = ladder.promote(left) or await nursery.newcomer(ladder.epochs[0], left, trials)
                if not job and not lanes:
                    job = ladder.push(left)
                if not job:
                    break
                spent += job.stop - job.start
                lanes.begin(partial(_trained, lab, job))
            if not lanes:
                return
            result = await lanes.first()
            seen.add(result.job.key)
            ladder.place(result)
            nursery.learn(result)
    finally:
        await lanes.close()


async def _trained(lab: "Lab", job: Job, lane: Lane) -> Result:
    lane.takes((job.stop - job.start) * pace(job.trial))
    return await lab.train(job.trial, job.stop, lane.place)


Standing = tuple[bool, float, float, int]  # on a rung, the least is the best: twin, violation, -objective, arrival


class Ladder:
    """The rungs: who stands on each, and who may climb."""

    def __init__(self, epochs: tuple[int, ...], eta: int) -> None:
        self.epochs, self.eta, self._arrival = epochs, eta, count()
        self._stood = dict.fromkeys(epochs, 0)
        self._known = set[ranking.Outcome]()  # outcomes
        self._waiting: dict[int, list[tuple[Standing, Trial]]] = {rung: [] for rung in epochs}
        self._promoted: dict[int, list[Standing]] = {rung: [] for rung in epochs}

    def place(self, result: Result) -> None:
        """Take note of a result: a twin stands behind all others, one that failed only makes its rung larger."""
        self._stood[result.epochs] += 1
        if result.status is Status.OK:
            found, score = ranking.outcome(result), result.score
            standing = (found in self._known, -score.feasibility, -score.objective, next(self._arrival))
            self._known.add(found)
            heapq.heappush(self._waiting[result.epochs], (standing, result.job.trial))

    def promote(self, epochs_left: float) -> Job | None:
        """Return the next step of the best trial that may climb, from the highest rung it can be paid for, or None.

        It may when it is among the best 1/eta of all that ever stood on its rung.
        """
        for rung, following in reversed(list(pairwise(self.epochs))):
            waiting, promoted = self._waiting[rung], self._promoted[rung]
            if waiting and following - rung <= epochs_left:
                standing, trial = waiting[0]
                if bisect_left(promoted, standing) < self._stood[rung] // self.eta:
                    heapq.heappop(waiting)
                    insort(promoted, standing)
                    return Job(trial, rung, following)
        return None

    def push(self, epochs_left: float) -> Job | None:
        """Return the next step of the best trial on the highest rung, however few stand there; None if one is on top.

        To be asked when no newcomer will come: else a small space, or few trials, would end with nothing fully trained.
        """
        top = self.epochs[-1]
        for rung, following in reversed(list(pairwise(self.epochs))):
            if self._waiting[top] or top - rung > epochs_left:
                return None
            if self._waiting[rung]:
                _, trial = heapq.heappop(self._waiting[rung])
                return Job(trial, rung, following)
        return None


class Nursery:
    """Where new trials come from: the initial configurations, then what is bred."""

    def __init__(self, lab: "Lab", breeder: Breeder) -> None:
        self._lab, self._breeder = lab, breeder
        self._born, self._barren = 0, False
        self._initial = initial_trials(lab, "g{}.b0.0".format)
        self._results = list[Result]()

    def learn(self, result: Result) -> None:
        """Take note of a result, in virtual order."""
        self._results.append(result)
        if result.status is Status.OK and result.epochs == self._lab.spec.max_epochs:
            self._breeder.select([result])

    async def newcomer(self, epochs: int, epochs_left: float, most: float) -> Job | None:
        """Return the first step of a new trial; None when the limits or the space have no room for one."""
        if self._barren or epochs > epochs_left or self._born >= most:
            return None
        full, number = self._lab.spec.max_epochs, self._born
        if number < len(self._initial):
            if full > epochs_left:
                return None
            self._born += 1
            return Job(self._initial[number], 0, full)
        self._breeder.learn(number, self._results)
        trials = await self._breeder.breed(1, f"g{number}.b0")
        self._born, self._barren = number + 1, not trials
        return Job(trials[0], 0, epochs) if trials else None

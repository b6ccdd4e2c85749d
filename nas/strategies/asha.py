"""ASHA, deterministic: decisions fall in virtual time, real workers only compute.

Li et al. 2020 promote a trial as soon as it is among the best of its rung, so what is decided hangs on what has ended.
Here `lanes` trials train at a time in a time of their own, in which a job takes its epochs x MACs. The next job to end
is the next in virtual time, awaited however long it really takes; so any number of workers gives the same history.
"""

import asyncio
import heapq
from bisect import bisect_left, insort
from itertools import count, pairwise

from nas.core import ranking
from nas.core.seeds import seed
from nas.core.types import Job, Key, Result, Status, Trial
from nas.engine.lab import Lab
from nas.strategies.breeding import breed
from nas.strategies.initial import initial_trials
from nas.strategies.model import Model, learn

Running = tuple[float, int, asyncio.Task[Result]]  # end in virtual time, number, the job


async def asha(lab: Lab, evolve: bool) -> None:
    """Keep every lane at work until the limits allow no further job; at the end one is fully trained, if possible.

    With `evolve` the search is steady-state: each new trial is bred from the best of those fully trained by then;
    without, it is a sample.
    """
    ladder, nursery = Ladder(lab.spec.rungs, lab.spec.eta), Nursery(lab, evolve)
    running, started, now, spent = list[Running](), count(), 0.0, 0
    seen = set[Key]()  # results, in virtual order
    try:
        while True:
            while len(running) < (lab.spec.lanes or 1):
                trials, epochs = lab.allowed(seen)
                left = epochs - spent
                job = ladder.promote(left) or await nursery.newcomer(ladder.epochs[0], left, trials)
                if not job and not running:
                    job = ladder.push(left)
                if not job:
                    break
                spent += job.stop - job.start
                place = (now + (job.stop - job.start) * pace(job.trial), next(started))
                heapq.heappush(running, (*place, asyncio.create_task(lab.train(job.trial, job.stop, place))))
            if not running:
                return
            result = await _first(running)
            now, _, _ = heapq.heappop(running)
            seen.add(result.job.key)
            ladder.place(result)
            nursery.learn(result)
    finally:
        for _, _, training in running:
            training.cancel()
        await asyncio.gather(*(training for _, _, training in running), return_exceptions=True)


async def _first(running: list[Running]) -> Result:
    """Return the result that is first in virtual time; a failure anywhere is raised as soon as it happens."""
    while not running[0][2].done():
        training = {task for _, _, task in running if not task.done()}
        done, _ = await asyncio.wait(training, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    return running[0][2].result()


def pace(trial: Trial) -> float:
    """Return the virtual time of an epoch: the MACs of the network, or 1 where they are not measured."""
    return dict(trial.cheap).get("macs", 1.0)


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
    """Where new trials come from: samples, or children of the fully trained."""

    def __init__(self, lab: Lab, evolve: bool) -> None:
        self.lab, self.evolve = lab, evolve
        self._born, self._barren = 0, False
        self._initial = initial_trials(lab, "g{}.b0.0".format)
        self._population, self._results = list[Result](), list[Result]()
        self._model: Model | None = None

    def learn(self, result: Result) -> None:
        """Take note of a result, in virtual order."""
        self._results.append(result)
        if self.evolve and result.status is Status.OK and result.epochs == self.lab.spec.max_epochs:
            self._population = ranking.survivors([*self._population, result], self.lab.spec.population)

    async def newcomer(self, epochs: int, epochs_left: float, most: float) -> Job | None:
        """Return the first step of a new trial; None when the limits or the space have no room for one."""
        if self._barren or epochs > epochs_left or self._born >= most:
            return None
        spec, number = self.lab.spec, self._born
        if number < len(self._initial):
            if spec.max_epochs > epochs_left:
                return None
            self._born += 1
            return Job(self._initial[number], 0, spec.max_epochs)
        if self.evolve and spec.model == "forest":
            key = seed(spec.seed, "model", number)
            self._model = learn(self.lab.space, self._results, spec.max_epochs, key, self._model)
        trials = await breed(self.lab, self._population, 1, f"g{number}.b0", self._model)
        self._born, self._barren = number + 1, not trials
        return Job(trials[0], 0, epochs) if trials else None

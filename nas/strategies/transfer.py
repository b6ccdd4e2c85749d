"""Earlier tasks say which training tells most, and which configuration is best (Xiao et al. 2021)."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, ClassVar

from nas.core.errors import UserError
from nas.core.parameters import parameter
from nas.core.parts import part
from nas.core.seeds import generator
from nas.core.types import Config, Result, Status, Trial
from nas.strategies.breeding.initial import initial_trials
from nas.strategies.recalling.candidates import INITIAL, MUTATE, RECALL, SAMPLE, fresh, lacks, pool
from nas.strategies.recalling.knots import knots_for
from nas.strategies.strategy import Strategy

if TYPE_CHECKING:
    from nas.strategies.lab import Lab
    from nas.strategies.recalling.adviser import Adviser, Step

FIRST = 8  # configurations are looked at for as short as can be, half of them samples
PROBES = 4  # every so many others, one is a sample, whatever earlier tasks say
EXPLORED = 2  # full trainings' worth of epochs, after which the best is trained in full
SPOKEN = 300  # configurations trained here, after which it is the turn of another strategy: the model grows with them
PARENTS = 10  # of the best, of which new configurations are mutations


@part("strategy", "transfer")
@dataclass(frozen=True)
class Transfer(Strategy):
    """A model of earlier tasks and this one chooses each training, and recommends (multi-task, multi-fidelity).

    Y. Xiao, E. P. Xing and W. Neiswanger, Amortized Auto-Tuning, arXiv:2106.09179, 2021. Every so often, and at the
    end, the recommended configuration is trained in full, where the limits allow it.
    """

    partial: ClassVar[bool] = True

    batch: int = parameter(2, "trainings at a time, each chosen as if the others came out as predicted", least=1)
    fresh: int = parameter(40, "new configurations among the candidates; half of them resemble the best", least=0)
    belief: str = parameter("mixture", "how tasks and curves are modelled", choices=("mixture", "at2"))
    otherwise: Strategy = parameter("evolution", "that searches where no earlier task is alike", part="strategy")

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.otherwise, Transfer):
            raise UserError("otherwise is transfer itself, but must be another strategy, such as evolution")

    async def __call__(self, lab: "Lab") -> None:
        """Train what says most, then what is best, until the limits allow no more."""
        lacking = lacks(lab)
        if not lacking:
            campaign = Campaign(self, lab)
            lacking = await campaign.run()
        if lacking:
            told = "%s: the search goes on by the strategy %s"
            logging.getLogger(__name__).warning(told, lacking, self.otherwise.name)
            await self.otherwise(lab)


class Campaign:
    """The trainings of a search that learns from earlier tasks."""

    def __init__(self, settings: Transfer, lab: "Lab") -> None:
        self._settings, self._lab = settings, lab
        self._knots, self._full = knots_for(lab.spec.scheduler), lab.spec.max_epochs
        self._origins = dict.fromkeys(map(Config.of, lab.spec.initial), INITIAL)
        self._origins = {**dict.fromkeys(pool(lab), RECALL), **self._origins}
        self._trials, self._results = dict[Config, Trial](), list[Result]()
        self._adviser = self._advised()

    async def run(self) -> str:
        """Go on until the limits allow no more; return why earlier tasks are not believed any more, or nothing."""
        for trial in initial_trials(self._lab, "initial {}".format):
            if self._lab.room()[1] < self._full:
                break
            self._trials[trial.config] = trial
            await self._complete(trial)
        for number in count():
            if len(self._trials) >= SPOKEN:
                return f"{len(self._trials)} configurations of this task say more than earlier tasks"
            self._renew(number)
            explored = await self._explore()
            if self._unrelated():
                return "no earlier task is like this one"
            best = self._adviser.ranking(1)
            full = bool(best) and self._adviser.reached(best[0]) >= self._full
            trials, epochs = self._lab.room()
            if full and explored and trials > 1:
                continue
            chosen = [] if full and trials < 1 else self._adviser.completions(epochs, trials)
            last = self._adviser.ranking(1, chosen) if chosen else []
            if not last:
                return ""
            await self._complete(self._trial(self._adviser.configs[last[0]]))
        return ""

    def _advised(self) -> "Adviser":
        from nas.strategies.recalling.adviser import Adviser  # here, for --help to stay quick

        adviser = Adviser(self._lab, [*self._origins], self._knots, self._settings.belief)
        return adviser.told(self._results)

    def _renew(self, number: int) -> None:
        """Add new candidates: samples at first, then mutations of the best, too. Those never trained give way."""
        if not self._settings.fresh:
            return
        rng = generator(self._lab.spec.seed, "transfer", number)
        kept = {config: origin for config, origin in self._origins.items() if config in self._trials}
        kept |= {config: origin for config, origin in self._origins.items() if origin in (RECALL, INITIAL)}
        best = [self._adviser.configs[place] for place in self._adviser.ranking(PARENTS)]
        half = self._settings.fresh // 2
        mutated = fresh(self._lab, best, half, rng, kept) if best else []
        sampled = fresh(self._lab, (), self._settings.fresh - half, rng, [*kept, *mutated])
        self._origins = {**kept, **dict.fromkeys(mutated, MUTATE), **dict.fromkeys(sampled, SAMPLE)}
        self._adviser = self._advised()

    async def _explore(self) -> int:
        """Train what says most per epoch, but keep what a full training takes; return how many epochs that took."""
        spent = 0
        while spent < EXPLORED * self._full and not self._unrelated():
            trials, epochs = self._lab.room()
            completed = any(result.epochs == self._full for result in self._results)
            kept = self._full if epochs >= self._full or completed else 0
            left = min(epochs - kept, EXPLORED * self._full - spent)
            steps = self._adviser.steps(self._settings.batch, left, trials - 1, self._probes(left), self._screens(left))
            if not steps:
                break
            await self._train(steps)
            spent += sum(step.cost for step in steps)
        return spent

    def _screens(self, left: float) -> bool:
        """Return whether the first configurations are still being looked at, each for as short as can be."""
        missing = FIRST - len(self._trials) if self._settings.fresh else 0
        return missing > 0 and 2 * missing * self._knots[0] <= left

    def _probes(self, left: float) -> list[Config]:
        """Return the samples of which one is due, or none: who sees only what was chosen cannot learn to doubt."""
        begun = [trial.operator for trial in self._trials.values()]
        share = 2 if self._screens(left) else PROBES
        if begun.count(SAMPLE) * share >= len(begun):
            return []
        return [config for config, origin in self._origins.items() if origin == SAMPLE and config not in self._trials]

    async def _train(self, steps: Sequence["Step"]) -> None:
        trials = [self._trial(self._adviser.configs[step.candidate]) for step in steps]
        jobs = (self._lab.train(trial, step.epochs) for trial, step in zip(trials, steps, strict=True))
        for result in await asyncio.gather(*jobs):
            self._learn(result)

    async def _complete(self, trial: Trial) -> None:
        """Train to the full budget, from knot to knot: each of them tells something."""
        for epochs in self._knots:
            if epochs > self._adviser.reached(self._adviser.place(trial.config)):
                result = await self._lab.train(trial, epochs)
                self._learn(result)
                if result.status is not Status.OK:
                    return

    def _learn(self, result: Result) -> None:
        self._results.append(result)
        self._adviser.learn(result)

    def _trial(self, config: Config) -> Trial:
        if config not in self._trials:
            name, origin = f"t{len(self._trials)}", self._origins[config]
            self._trials[config] = self._lab.trial(name, config, origin)
        return self._trials[config]

    def _unrelated(self) -> bool:
        """Return whether this task is more probably like none of the earlier ones than like any."""
        from nas.transfer.belief import NONE_OF_THEM  # here, for --help to stay quick

        return self._adviser.belief.likeness().get(NONE_OF_THEM, 0.0) > 0.5

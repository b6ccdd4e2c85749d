"""What did a search learn from earlier tasks, and what does it believe in the end? Worked out again from its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from nas.core.described import rebuilt
from nas.core.evidence import Evidence
from nas.core.spec import RunSpec
from nas.core.types import Config, Result, Status
from nas.engine.cheap import Cheap
from nas.history.experience import FILE, Experience, experience
from nas.runs.stored import StoredRun
from nas.strategies.recalling.candidates import lacks, pool
from nas.strategies.recalling.knots import knots_for

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

    from nas.strategies.recalling.adviser import Adviser
    from nas.transfer.belief import Forecast
    from nas.transfer.past import Past


@dataclass(frozen=True)
class Learned:
    """What a search with the strategy `transfer` knew of earlier tasks. `results` are its own, as they came."""

    spec: RunSpec  # without constraints that are known before training: whatever was trained meets them
    space: ConfigurationSpace
    cheap: Cheap
    experience: Experience
    results: Sequence[Result]

    @cached_property
    def knots(self) -> tuple[int, ...]:
        """The epochs at which curves are looked at; the last is a full training."""
        return knots_for(self.spec.scheduler)

    @cached_property
    def configs(self) -> tuple[Config, ...]:
        """What was trained on any task, here too."""
        return tuple(dict.fromkeys([*pool(self), *(result.job.trial.config for result in self.results)]))

    @cached_property
    def trials(self) -> dict[int, str]:
        """The ids of the trials by the numbers of their configurations."""
        places = {config: place for place, config in enumerate(self.configs)}
        return {places[result.job.trial.config]: result.job.trial.id for result in self.results}

    @cached_property
    def past(self) -> Past:
        """The curves of earlier tasks."""
        from nas.transfer.past import past_of  # here, for --help to stay quick

        asked = self.spec.objective, self.spec.maximize
        return past_of(self.experience.curves, self.configs, self.space, self.knots, *asked)

    @cached_property
    def before(self) -> Forecast:
        """What was expected of this task before any epoch on it."""
        return self.adviser().forecast

    @cached_property
    def after(self) -> Adviser:
        """What is believed now that all results are known."""
        return self.adviser().told(self.results)

    def adviser(self) -> Adviser:
        """Return what is believed before any epoch on this task."""
        from nas.strategies.recalling.adviser import Adviser  # here, for --help to stay quick

        model = getattr(self.spec.strategy, "belief", "mixture")
        return Adviser(self, self.configs, self.knots, model)

    def best(self, count: int) -> list[int]:
        """Return the configurations that were trained here and are believed to be best, the best first."""
        return self.after.ranking(count, self.trials)

    def seen(self, place: int) -> list[tuple[int, float]]:
        """Return the epochs and the objective of each result of a configuration."""
        good = [result for result in self.after.seen(place) if result.status is Status.OK]
        return [(result.epochs, result.metrics[self.spec.objective]) for result in good]

    def regret(self) -> tuple[list[int], list[float]]:
        """Return the epochs spent, and how much worse the configuration recommended then is than the best.

        Of those that were trained. Nothing unless all that did not fail were trained in full: else it is not known.
        """
        sign, truth = 1 if self.spec.maximize else -1, dict[int, float]()
        for place in self.trials:
            curve = self.seen(place)
            if curve and curve[-1][0] < self.knots[-1]:
                return [], []
            if curve and self.after.reached(place) == self.knots[-1]:
                truth[place] = max(sign * value for _, value in curve)
        if not truth:
            return [], []
        adviser, spent, x, y = self.adviser(), 0, [0], [self._regret(self.adviser(), truth)]
        for result in self.results:
            adviser.learn(result)
            spent += result.job.stop - result.job.start
            x.append(spent)
            y.append(self._regret(adviser, truth))
        return x, y

    def _regret(self, adviser: Adviser, truth: dict[int, float]) -> float:
        (recommended,) = adviser.ranking(1, truth)
        return max(truth.values()) - truth[recommended]


def learned(run: StoredRun) -> Learned | None:
    """Return what the search learned from earlier tasks; None where its strategy is another, or there were none."""
    file = run.directory / FILE
    if run.spec.strategy.name != "transfer" or not run.history or not file.exists():
        return None
    space, measured = rebuilt(run.spec.space), dict(run.history[0].job.trial.cheap)
    asked = replace(run.spec, constraints=tuple(c for c in run.spec.constraints if c.metric not in measured))
    found = Learned(asked, space, Cheap((), {}), experience(file, space), Evidence.of(run.committed).searched)
    return None if lacks(found) else found

"""What did a search learn from earlier tasks, and what does it believe in the end? Worked out again from its folder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
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

    @property
    def before(self) -> Forecast:
        """What was expected of this task before any epoch on it."""
        return self._replayed.before

    @property
    def after(self) -> Adviser:
        """What is believed now that all results are known."""
        return self._replayed.after

    def best(self, count: int) -> list[int]:
        """Return the configurations that were trained here and are believed to be best, the best first."""
        return self.after.ranking(count, self.trials)

    def seen(self, place: int) -> list[tuple[int, float]]:
        """Return the epochs and the objective of each result of a configuration."""
        good = [result for result in self.after.seen(place) if result.status is Status.OK]
        return [(result.epochs, result.metrics[self.spec.objective]) for result in good]

    @cached_property
    def truth(self) -> dict[int, float]:
        """The best value of each configuration that did not fail; nothing unless all of them were trained in full."""
        places, sign = {id_: place for place, id_ in self.trials.items()}, 1 if self.spec.maximize else -1
        found, last = dict[int, float](), {result.job.trial.id: result for result in self.results}
        for result in self.results:
            end, place = last[result.job.trial.id], places[result.job.trial.id]
            if end.status is Status.OK:
                if end.epochs < self.knots[-1]:
                    return {}
                found[place] = max(found.get(place, -math.inf), sign * result.metrics[self.spec.objective])
        return found

    def regret(self) -> tuple[list[int], list[float]]:
        """Return the epochs spent, and how much worse the configuration recommended then is than the best.

        Of those that were trained; nothing where it is not known.
        """
        spent = accumulate((result.job.stop - result.job.start for result in self.results), initial=0)
        best = max(self.truth.values(), default=math.nan)
        recommended = self._replayed.recommended
        return [*spent][: len(recommended)], [best - self.truth[place] for place in recommended]

    @cached_property
    def _replayed(self) -> _Replayed:
        from nas.strategies.recalling.adviser import Adviser  # here, for --help to stay quick

        model = getattr(self.spec.strategy, "belief", "mixture")
        adviser = Adviser(self, self.configs, self.knots, model)
        before = adviser.forecast
        recommended = adviser.ranking(1, self.truth)
        for result in self.results:
            adviser.learn(result)
            recommended += adviser.ranking(1, self.truth)
        return _Replayed(before, adviser, recommended)


@dataclass(frozen=True)
class _Replayed:
    """What was expected before any epoch, is believed in the end, and was the best then and after each result."""

    before: Forecast
    after: Adviser
    recommended: list[int]  # of those whose truth is known


def learned(run: StoredRun) -> Learned | None:
    """Return what the search learned from earlier tasks; None where its strategy is another, or there were none."""
    file = run.directory / FILE
    if run.spec.strategy.name != "transfer" or not run.history or not file.exists():
        return None
    space, measured = rebuilt(run.spec.space), dict(run.history[0].job.trial.cheap)
    asked = replace(run.spec, constraints=tuple(c for c in run.spec.constraints if c.metric not in measured))
    found = Learned(asked, space, Cheap((), {}), experience(file, space), Evidence.of(run.committed).searched)
    return None if lacks(found) else found

"""What can be said of a search for learning rates while a network trains?"""

import math
from dataclasses import dataclass
from typing import ClassVar

from nas.core.errors import UserError
from nas.core.parameters import parameter
from nas.training.policies.policy import Policy

_FEWEST = 2  # rates that are worth a comparison
_WORTH = (8, 3)  # steps of a trial, and trials, that are given up last where a training is short
_SHORTEST = {"average": 2, "forecast": 4}  # steps that a score needs


@dataclass(frozen=True)
class Settings(Policy):
    """Rates are tried from where the training is, for a few steps each; it goes on with the best.

    A stage is such a search and the steps at the rate that it found. Y. Jin et al., AutoLRS: Automatic Learning-Rate
    Schedule by Bayesian Optimization on the Fly, ICLR 2021. Every step that is spent on trying counts.
    """

    finds_rate: ClassVar[bool] = True

    least: float = parameter(1e-5, "smallest rate", above=0)
    most: float = parameter(10.0, "largest rate", above=0)
    stages: int | None = parameter(1, "how many there are; without, as many as there is time for", least=1)
    stage: float = parameter(0.15, "length of the first stage's training, as a share of the whole", above=0, most=1)
    stage_steps: int | None = parameter(None, "the most steps that it may have", least=1)
    longest: int | None = parameter(None, "the most steps that any stage may have", least=1)
    growth: float = parameter(1.0, "by which every stage is longer than the one before", least=1)
    candidates: int = parameter(8, "rates that the first stage tries", least=_FEWEST)
    later_candidates: int = parameter(3, "rates that every later stage tries", least=_FEWEST)
    probe: int | None = parameter(20, "steps for each rate in the first stage; without, as in later ones", least=2)
    probe_share: float = parameter(0.1, "steps for each rate, as a share of its stage", above=0, most=1)
    budget: float = parameter(0.25, "share of the whole that a search may take before it tries less", above=0, most=0.5)
    score: str = parameter(
        "average",
        "what a rate is judged by: the held-out loss at the average of the second half of its weights, or the forecast "
        "of it at the end of the stage",
        choices=tuple(_SHORTEST),
    )
    readings: int = parameter(16, "of the held-out loss in a trial that a forecast is made of", least=4)
    explore: float = parameter(2.0, "standard deviations below the mean by which the first rate is chosen", least=0)
    exploit: float = parameter(0.5, "the same by which the last one is", least=0)
    length: float = parameter(1.0, "decades of the rate over which the loss is alike", above=0)
    noise: float = parameter(0.1, "standard deviation of a score, in those of all scores", above=0)
    margin: float = parameter(0.5, "decades that are kept from a larger rate that did not learn", least=0)
    hopeless: float = parameter(3.0, "times the loss before, plus 1, where a rate is given up", above=1)
    keep_on: bool = parameter(True, "whether the training goes on from the end of the best trial, or from before it")
    anneal: bool = parameter(True, "whether the rate falls in a straight line to 0 after the last search")
    alarm: float = parameter(
        0.25, "share of what was learned by which the loss may rise before steps are undone; 0: never are", least=0
    )
    cut: float = parameter(0.3, "factor of the rate where steps are undone", above=0, below=1)
    held_out: float = parameter(
        0.1, "share of the training images that is held out until the last search is over", above=0, most=0.5
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.least >= self.most:
            raise UserError(f"least is {self.least:g} and most {self.most:g}: the least must be the smaller")
        if self.probe is not None and self.probe < self.shortest:
            raise UserError(f"probe is {self.probe}, but a score by {self.score} needs at least {self.shortest} steps")

    def withholds(self) -> float:
        """Return the share of the training part that it judges by."""
        return self.held_out

    @property
    def shortest(self) -> int:
        """How many steps a trial must have."""
        return _SHORTEST[self.score]

    @property
    def decades(self) -> tuple[float, float]:
        """The log10 of the smallest and of the largest rate."""
        return math.log10(self.least), math.log10(self.most)

    def length_of(self, stage: int, total: int) -> int:
        """Return how many steps are trained in a stage, counted from 0, of a training of `total` steps."""
        first = min(self.stage * total, self.stage_steps or math.inf)
        return max(1, round(min(first * self.growth**stage, self.longest or math.inf)))

    def trials_of(self, stage: int, total: int) -> tuple[int, int]:
        """Return how many rates a stage tries, and for how many steps each.

        Raises UserError where the training is too short for any.
        """
        count = self.later_candidates if stage else self.candidates
        asked = None if stage else self.probe
        steps = max(self.shortest, asked or round(self.probe_share * self.length_of(stage, total)))
        most = int(self.budget * total)
        steps = min(steps, max(most // count, _WORTH[0], self.shortest))
        count = min(count, max(most // steps, _WORTH[1]))
        steps = min(steps, max(most // count, self.shortest))
        if count * steps > total / 2:
            needed = 2 * min(count, _WORTH[1]) * self.shortest
            raise UserError(f"a training of {total} steps is too short for {self.name}: it needs at least {needed}")
        return count, steps

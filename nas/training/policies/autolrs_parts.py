"""What are learning rates that a training finds by itself? As they proved best, and as they were published."""

from dataclasses import dataclass

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.training.policies.autolrs.running import Searching
from nas.training.policies.autolrs.settings import Settings
from nas.training.policies.policy import Course


@part("policy", "autolrs")
@dataclass(frozen=True)
class AutoLRS(Settings):
    """The rate is found by trying some for a few steps at the beginning, then falls in a straight line to 0.

    After Y. Jin et al., AutoLRS: Automatic Learning-Rate Schedule by Bayesian Optimization on the Fly, ICLR 2021.
    """

    def begin(self, training: Course) -> Searching:
        """Return the policy at work."""
        return Searching(self, training)


@part("policy", "autolrs-paper")
@dataclass(frozen=True)
class AsPublished(AutoLRS):
    """The rate is searched for again and again, by forecasts of the held-out loss, each time from before the search.

    Algorithm 1 of Y. Jin et al., AutoLRS: Automatic Learning-Rate Schedule by Bayesian Optimization on the Fly, ICLR
    2021. A training too short for their 1,000 steps has stages of an eighth of it.
    """

    stages: int | None = parameter(None, "how many there are; without, as many as there is time for", least=1)
    stage: float = parameter(0.125, "length of the first stage's training, as a share of the whole", above=0, most=1)
    stage_steps: int | None = parameter(1000, "the most steps that it may have", least=1)
    longest: int | None = parameter(8000, "the most steps that any stage may have", least=1)
    growth: float = parameter(2.0, "by which every stage is longer than the one before", least=1)
    candidates: int = parameter(10, "rates that the first stage tries", least=2)
    later_candidates: int = parameter(10, "rates that every later stage tries", least=2)
    probe: int | None = parameter(None, "steps for each rate in the first stage; without, as in later ones", least=2)
    budget: float = parameter(0.5, "share of the whole that a search may take before it tries less", above=0, most=0.5)
    score: str = parameter("forecast", "what a rate is judged by", choices=("average", "forecast"))
    margin: float = parameter(0.0, "decades that are kept from a larger rate that did not learn", least=0)
    keep_on: bool = parameter(False, "whether the training goes on from the end of the best trial")
    anneal: bool = parameter(False, "whether the rate falls in a straight line to 0 after the last search")
    alarm: float = parameter(
        0.0, "share of what was learned by which the loss may rise; 0: steps are never undone", least=0
    )

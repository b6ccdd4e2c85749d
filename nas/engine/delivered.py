"""What was the strategy given so far? Results in logical order, and what is counted and looked up of them."""

from bisect import bisect

from nas.core.ranking import Outcome, outcome
from nas.core.types import Key, Order, Result, place_of


class Delivered:
    """Results that the strategy has awaited. They come in any order."""

    def __init__(self) -> None:
        self.results, self._places = list[Result](), list[tuple[Order, str]]()  # in logical order
        self.keys, self.trials, self.outcomes = set[Key](), set[str](), set[Outcome]()
        self.epochs = 0  # trained for them

    def add(self, result: Result) -> None:
        """Take note of a result that was not there before."""
        place = place_of(result)
        at = bisect(self._places, place)
        self._places.insert(at, place)
        self.results.insert(at, result)
        self.keys.add(result.job.key)
        self.trials.add(result.job.trial.id)
        self.outcomes.add(outcome(result))
        self.epochs += result.job.stop - result.job.start

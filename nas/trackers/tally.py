"""How far has a search come? Counted result by result, as they are committed."""

from nas.core.types import Result, Status


class Tally:
    """Counts of trials, results and failures of the search, and of what was trained `again` to confirm its best."""

    def __init__(self) -> None:
        self.results = self.feasible = self.failed = self.again = self.epochs = 0
        self._trials = set[str]()

    @property
    def trials(self) -> int:
        """How many trials were begun."""
        return len(self._trials)

    @property
    def share_feasible(self) -> float:
        """The share of the results that meet all constraints; 0 where there are none."""
        return self.feasible / max(1, self.results)

    def add(self, result: Result) -> bool:
        """Count `result`; return whether it is the search's own."""
        self.epochs += result.job.stop - result.job.start
        if result.job.trial.repeats:
            self.again += 1
            return False
        self._trials.add(result.job.trial.id)
        self.results += 1
        self.feasible += result.feasible
        self.failed += result.status is not Status.OK
        return True

"""What has a search found? Its own results, and the trainings that repeat its best: told apart here, once."""

from collections.abc import Iterable
from dataclasses import dataclass

from nas.core.types import Result


@dataclass(frozen=True)
class Evidence:
    """`searched` are the results of the search, `repetitions` those that confirm its best, each as they stood."""

    searched: tuple[Result, ...]
    repetitions: tuple[Result, ...]

    @classmethod
    def of(cls, results: Iterable[Result]) -> "Evidence":
        """Return `results` told apart."""
        apart: tuple[list[Result], list[Result]] = ([], [])
        for result in results:
            apart[bool(result.job.trial.repeats)].append(result)
        return cls(*map(tuple, apart))

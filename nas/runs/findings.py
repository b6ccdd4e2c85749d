"""What does a run tell, whether it has just ended or lies in a folder? The search, its repetitions, the best of it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property

from nas.core.confirmation import Confirmed, Estimate, incumbent, of_incumbent, overtaken
from nas.core.evidence import Evidence
from nas.core.spec import RunSpec
from nas.core.types import Result


class Findings(ABC):
    """What follows from what was asked, and from every result of it in logical order."""

    spec: RunSpec

    @abstractmethod
    def _all(self) -> Sequence[Result]:
        """Return every result in logical order."""

    @cached_property
    def evidence(self) -> Evidence:
        """Every result, those of the search and those that confirm its best told apart."""
        return Evidence.of(self._all())

    @property
    def results(self) -> tuple[Result, ...]:
        """The results of the search, one a rung, in logical order."""
        return self.evidence.searched

    @property
    def repetitions(self) -> tuple[Result, ...]:
        """The results of those that were trained again, to confirm the best."""
        return self.evidence.repetitions

    @property
    def best(self) -> Result | None:
        """The incumbent: the best feasible result at full budget, else the one with the smallest violation.

        Where the few best were trained again, all their evaluations count.
        """
        return incumbent(self.evidence, self.spec)

    @property
    def overtaken(self) -> Confirmed | None:
        """The best of the search, where being trained again made another the incumbent."""
        return overtaken(self.evidence, self.spec)

    @property
    def confirmation(self) -> Estimate | None:
        """What the incumbent reached when it was trained again; None where it was not, or never came to an end."""
        return of_incumbent(self.evidence, self.spec)

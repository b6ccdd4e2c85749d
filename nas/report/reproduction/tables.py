"""Which tables of a reproduction are shown in the terminal?"""

from pathlib import Path

from nas.report.facts import Table
from nas.report.reproduction import answer, costs
from nas.report.reproduction.found import read


def table(directory: Path) -> Table:
    """Return the answer by seed, and its mean ± the standard deviation where there are several."""
    return answer.answers(read(directory))


def phases(directory: Path) -> Table:
    """Return what each phase cost, and what it decided and why."""
    return costs.phases(read(directory))
